/**
 * Sees when somebody else changes the firewall (`iptables -F`, `nft flush ruleset`, a reload of firewalld), and has ours healed. The
 * kernel announces every transaction of nftables, also those of iptables's nf_tables variant; nothing is polled. iptables-legacy
 * announces nothing.
 */

import { messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { openMonitor } from '../../kernel/netlink/index.ts';
import type { FirewallSync } from './firewall-sync.ts';
import type { OwnWriters } from './own-writers.ts';

/** Milliseconds of quiet before we look: a reload is many transactions. */
const QUIET = 100;
/** Milliseconds after which we look even if it is not quiet. */
const LATEST = 500;

export interface WatchOptions {
  /**
   * Who writes for us. What others write in the middle of a transaction of ours is seen as well: to pass over all that comes
   * meanwhile would be to miss a flush.
   */
  writers: OwnWriters;
  log: Log;
  /** How the kernel is listened to. Default: a monitor of the daemon's namespace. */
  open?: typeof openMonitor;
}

/** Watches the firewall until the function that it gives is called. */
export function watchFirewall(
  firewall: Pick<FirewallSync, 'heal'>,
  { writers, log, open = openMonitor }: WatchOptions,
): () => void {
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
  const monitor = open({
    subjects: ['nftables'],
    onEvent: (event) => {
      if (event.subject === 'nftables' && writers.has(event.pid)) return;
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
