/** How each of the two is started. */

import { join } from 'node:path';
import { createHost } from '../../test/harness/host.ts';
import { buildImages } from '../../test/harness/images.ts';
import { Side, type SideName } from './side.ts';

const OURS = join(import.meta.dirname, '../../bin/bridgeportd');
/** Of Debian's package docker.io. Any daemon that takes dockerd's flags can stand there. */
export const PEER = '/usr/sbin/dockerd';

export interface SideChoice {
  /** Default: ours. */
  program?: string;
  /** What its daemon.json says; default nothing. */
  config?: Record<string, unknown>;
}

/** Makes a host, starts the daemon there, and gives it the image. */
export async function startSide(name: SideName, choice: SideChoice = {}): Promise<Side> {
  const { program = OURS, config = {} } = choice;
  const host = await createHost({ name: name === 'ours' ? 'bench' : 'bpeer' });
  const side = new Side({
    name,
    host,
    program,
    config,
    args: ({ root, socket, cgroup }) => [
      ...['--data-root', `${root}/data`, '--exec-root', `${root}/exec`, '--pidfile', `${root}/pid`],
      ...['-H', `unix://${socket}`, '--cgroup-parent', cgroup],
      // The file of a Docker that lives here is not for us.
      ...['--config-file', `${root}/daemon.json`],
    ],
  });
  await side.start();
  await side.api('POST', '/v1.41/images/load', await buildImages(['busybox']));
  return side;
}
