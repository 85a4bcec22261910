import { BridgeportError } from '../../base/errors.ts';
import type { TopologyRecords } from '../../observe/topology/records.ts';
import { isElsewhere } from '../../observe/topology/whereabouts.ts';

/** @throws `not-implemented` for an engine whose network is in another namespace: every answer from this one would be about another network */
export function refuseElsewhere(records: TopologyRecords): void {
  if (!isElsewhere(records)) return;
  throw new BridgeportError(
    'not-implemented',
    "this engine's network is in another network namespace than this command (it is rootless, or was started in a namespace of its own): " +
      'run the command there, nsenter --net=/proc/PID/ns/net bridgeport …, with the PID of its dockerd',
  );
}
