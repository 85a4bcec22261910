/** Packets that rules dropped, by reason. Pure. */

import type { RuleDrops } from '../firewall/drops.ts';
import type { TopologyRecords } from '../topology/records.ts';
import { family, type MetricFamily } from './exposition.ts';

/** Rules of one reason and network are added up: `isolation-to`, `icc-drop`, `direct-drop` … are the reasons of our own. */
export function firewallFamilies(records: TopologyRecords, drops: readonly RuleDrops[]): MetricFamily[] {
  const names = new Map(records.networks().map(({ id, name }) => [id, name]));
  const sums = new Map<string, { labels: Record<string, string>; packets: number; bytes: number }>();
  for (const drop of drops) {
    const { origin } = drop;
    const labels = {
      family: drop.family === 4 ? 'ipv4' : 'ipv6',
      reason: origin?.key ?? (drop.rule === 'policy' ? 'policy' : 'foreign-rule'),
      chain: drop.chain,
      network: origin?.networkId === undefined ? '' : (names.get(origin.networkId) ?? ''),
    };
    const key = Object.values(labels).join('\0');
    const sum = sums.get(key) ?? { labels, packets: 0, bytes: 0 };
    sums.set(key, sum);
    sum.packets += drop.packets;
    sum.bytes += drop.bytes;
  }
  const rows = [...sums.values()];
  return [
    family(
      'counter',
      'bridgeport_firewall_dropped_packets_total',
      'Packets that rules dropped or rejected. The reason is why the rule was written; foreign-rule: somebody else wrote it; policy: no rule accepted. It begins anew when the rules are written anew.',
      rows,
      ({ labels, packets }) => ({ labels, value: packets }),
    ),
    family(
      'counter',
      'bridgeport_firewall_dropped_bytes_total',
      'Bytes of these packets.',
      rows,
      ({ labels, bytes }) => ({ labels, value: bytes }),
    ),
  ];
}
