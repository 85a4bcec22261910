/**
 * How port 53 of 127.0.0.11 leads to our sockets, which are on other ports: a container may bind 0.0.0.0:53 itself.
 *
 * Two stateless rewritings of ports in the namespace's own nftables table: the question's after every rule of the container's
 * own (input, behind all usual priorities), the answer's before any (output, raw, ahead of connection tracking). So nothing
 * is tracked on our account, and a firewall inside the container sees port 53 both ways. See docs/decisions/0006.
 */

import { internal } from '../../../base/errors.ts';
import type { NetnsHandle } from '../../../kernel/netns/index.ts';
import { NftContext } from '../../../kernel/nft/index.ts';

/** Where the container's resolv.conf points to. */
export const RESOLVER_ADDRESS = '127.0.0.11';
export const DNS_PORT = 53;

const TABLE = 'bridgeport-dns';

export interface RedirectPorts {
  readonly udp: number;
  readonly tcp: number;
}

/**
 * The ports that the namespace's rules lead to already (the daemon was restarted); `undefined` when there are none, or only
 * part of them.
 *
 * @throws `unavailable` and the like when nftables cannot be used here
 */
export function readRedirect(netns: NetnsHandle): RedirectPorts | undefined {
  using nft = NftContext.open(netns);
  if (!hasTable(nft)) return undefined;
  const text = nft.run(`list table ip ${TABLE}`, { output: ['stateless'] });
  const port = (protocol: string) => {
    const forth = new RegExp(`${protocol} dport 53 ${protocol} dport set (\\d+)`).exec(text)?.[1];
    const back = new RegExp(`${protocol} sport (\\d+) ${protocol} sport set 53`).exec(text)?.[1];
    return forth === back ? Number(forth) : Number.NaN;
  };
  const ports = { udp: port('udp'), tcp: port('tcp') };
  return ports.udp > 0 && ports.tcp > 0 ? ports : undefined;
}

/** Writes the rules; those that are there are replaced in the same transaction. */
export function writeRedirect(netns: NetnsHandle, ports: RedirectPorts): void {
  for (const port of [ports.udp, ports.tcp]) {
    if (!Number.isInteger(port) || port < 1 || port > 65535) throw internal(`${port} is not a port`);
  }
  using nft = NftContext.open(netns);
  // Only when there is something to delete: closing a context after a deletion waits for the kernel, some 10 ms.
  const replace = hasTable(nft) ? `delete table ip ${TABLE}\n` : '';
  nft.run(`${replace}${redirectRules(ports)}`);
}

/** Takes the rules away. Idempotent. */
export function removeRedirect(netns: NetnsHandle): void {
  using nft = NftContext.open(netns);
  if (hasTable(nft)) nft.run(`delete table ip ${TABLE}`);
}

/**
 * By text, not by `list()`: libnftables 1.0.6 reads freed memory when it writes a table that has flags (`dormant`, `owner`) as
 * JSON, and a container may have made such a table.
 */
function hasTable(nft: NftContext): boolean {
  return nft.run('list tables ip').split('\n').includes(`table ip ${TABLE}`);
}

/** The table as nft(8) reads it. */
export function redirectRules({ udp, tcp }: RedirectPorts): string {
  return `table ip ${TABLE} {
	chain question {
		type filter hook input priority 300; policy accept;
		iifname "lo" ip daddr ${RESOLVER_ADDRESS} udp dport ${DNS_PORT} udp dport set ${udp}
		iifname "lo" ip daddr ${RESOLVER_ADDRESS} tcp dport ${DNS_PORT} tcp dport set ${tcp}
	}
	chain answer {
		type filter hook output priority raw; policy accept;
		oifname "lo" ip saddr ${RESOLVER_ADDRESS} udp sport ${udp} udp sport set ${DNS_PORT}
		oifname "lo" ip saddr ${RESOLVER_ADDRESS} tcp sport ${tcp} tcp sport set ${DNS_PORT}
	}
}
`;
}
