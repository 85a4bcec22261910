/** How each of the two is started. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createHost } from '../../test/harness/host.ts';
import { buildImages } from '../../test/harness/images.ts';
import { Side, type SideName } from './side.ts';

const OURS = join(import.meta.dirname, '../../bin/bridgeportd');
/** Debian's package docker.io. */
const PEER = '/usr/sbin/dockerd';

/** Those that this machine has, ours first. */
export function availableSides(): SideName[] {
  return existsSync(PEER) ? ['bridgeport', 'dockerd'] : ['bridgeport'];
}

/** Makes a host, starts the daemon there with its defaults, and gives it the image. */
export async function startSide(name: SideName): Promise<Side> {
  const host = await createHost({ name: name === 'bridgeport' ? 'bbp' : 'bdk' });
  const side = new Side({
    name,
    host,
    command: ({ root, socket, cgroup }) => [
      name === 'bridgeport' ? OURS : PEER,
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
