/** Packets that rules dropped, by reason. */

import type { RuleDrops } from '../firewall/drops.ts';
import type { TopologyRecords } from '../topology/records.ts';
import { family, type Labels, type MetricFamily } from './exposition.ts';
import type { RunningSums } from './running-sums.ts';

/** Rules of one reason and network are added up: `isolation-to`, `icc-drop`, `direct-drop` … are the reasons of our own. */
export function firewallFamilies(
  records: TopologyRecords,
  drops: readonly RuleDrops[],
  sums: RunningSums,
): MetricFamily[] {
  const names = new Map(records.networks().map(({ id, name }) => [id, name]));
  const labelsBySum = new Map<string, Labels>();
  const parts = drops.map(({ family, chain, rule, origin, packets, bytes }) => {
    const labels = {
      family: family === 4 ? 'ipv4' : 'ipv6',
      reason: origin?.key ?? (rule === 'policy' ? 'policy' : 'foreign-rule'),
      chain,
      network: origin?.networkId === undefined ? '' : (names.get(origin.networkId) ?? ''),
    };
    const sum = Object.values(labels).join('\0');
    labelsBySum.set(sum, labels);
    return { id: `${family} ${chain} ${rule}`, sum, values: [packets, bytes] };
  });
  const rows = [...sums.add(parts)].map(([sum, [packets, bytes]]) => ({
    labels: labelsBySum.get(sum)!,
    packets,
    bytes,
  }));
  return [
    family(
      'counter',
      'bridgeport_firewall_dropped_packets_total',
      'Packets that rules dropped or rejected. The reason is why the rule was written; foreign-rule: somebody else wrote it; policy: no rule accepted.',
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
