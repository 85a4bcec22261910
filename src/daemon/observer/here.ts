import { BridgeportError } from '../../base/errors.ts';
import { withVeths } from '../../observe/topology/veths.ts';
import { isElsewhere } from '../../observe/topology/whereabouts.ts';
import { type DockerAnswers, type DockerRecords, dockerRecords } from './records.ts';

/**
 * The records of an engine whose network is in this namespace, with the names of interfaces, which Docker does not tell.
 *
 * @throws `not-implemented` when it is in another: every answer from this one would be about another network
 */
export function recordsHere(docker: DockerAnswers): DockerRecords {
  const records = dockerRecords(docker);
  if (isElsewhere(records)) {
    throw new BridgeportError(
      'not-implemented',
      "this engine's network is in another network namespace than this command (it is rootless, or was started in a namespace of its own): " +
        'run the command there, nsenter --net=/proc/PID/ns/net bridgeport …, with the PID of its dockerd',
    );
  }
  const containers = withVeths(records.containers());
  return { ...records, containers: () => containers };
}
