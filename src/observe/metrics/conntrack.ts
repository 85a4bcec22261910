/** Connection tracking. Pure. */

import type { ConntrackUse } from '../../kernel/proc/index.ts';
import { family, type MetricFamily, single } from './exposition.ts';

/** @param use undefined while the kernel tracks nothing */
export function conntrackFamilies(use: ConntrackUse | undefined): MetricFamily[] {
  if (use === undefined) return [];
  return [
    single('gauge', 'bridgeport_conntrack_entries', 'Connections that are tracked now.', use.entries),
    single('gauge', 'bridgeport_conntrack_entries_limit', 'Connections that may be tracked.', use.limit),
    family(
      'counter',
      'bridgeport_conntrack_drops_total',
      'What connection tracking could not keep, by reason: table_full (packets lost), early_drop (connections forgotten to make room), insert_failed (packets lost to a clash).',
      [
        { reason: 'table_full', value: use.dropped },
        { reason: 'early_drop', value: use.earlyDropped },
        { reason: 'insert_failed', value: use.insertFailed },
      ],
      ({ reason, value }) => ({ labels: { reason }, value }),
    ),
  ];
}
