/**
 * Sees when somebody else changes the firewall (`iptables -F`, `nft flush ruleset`, a reload of firewalld), and has ours healed. The
 * kernel announces every transaction of nftables, also those of iptables's nf_tables variant; nothing is polled. iptables-legacy
 * announces nothing.
 */

import { messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { openMonitor } from '../../kernel/netlink/index.ts';
import type { FirewallSync } from './firewall-sync.ts';

/** Milliseconds of quiet before we look: a reload is many transactions. */
const QUIET = 100;
/** Milliseconds after which we look even if it is not quiet. */
const LATEST = 500;

/** Watches the daemon's namespace. Gives the function that ends it. */
export function watchFirewall(firewall: FirewallSync, log: Log): () => void {
  let timer: NodeJS.Timeout | undefined;
  let firstEvent = 0;
  const look = () => {
    timer = undefined;
    firewall
      .heal()
      .then((written) => {
        if (written) log.warn({}, 'rules of ours had been taken away by somebody else; they are back');
      })
      .catch((error) => log.error({ error: messageOf(error) }, 'cannot heal the firewall'));
  };
  const monitor = openMonitor({
    subjects: ['nftables'],
    onEvent: (event) => {
      const isOurs = event.subject === 'nftables' && event.pid === process.pid;
      if (isOurs || firewall.isBusy) return;
      const now = Date.now();
      if (timer === undefined) firstEvent = now;
      clearTimeout(timer);
      timer = setTimeout(look, Math.max(0, Math.min(QUIET, firstEvent + LATEST - now)));
    },
  });
  return () => {
    clearTimeout(timer);
    monitor.close();
  };
}
