/** What was changed in a snapshot, as a layer of an image: its upper folder, with whiteouts for what is gone. */

import { constants } from 'node:fs';
import { Readable } from 'node:stream';
import type { HostFiles, RootfsMount } from '../host-system.ts';
import { layerFolders } from '../rootfs/layers.ts';
import { listChanges } from './changes.ts';
import { drop, open } from './handles.ts';
import { packTree } from './pack.ts';

/**
 * Read as it is consumed: nobody may write to the snapshot meanwhile, or the layer holds some of it.
 *
 * @param mounts of the snapshot, which is writable
 * @param neverRun no container has used the snapshot: what looks like the runtime's mount points is content
 */
export async function packLayer(
  files: HostFiles,
  mounts: readonly RootfsMount[],
  { neverRun }: { neverRun: boolean },
): Promise<Readable> {
  const [upper = '', ...lower] = layerFolders(mounts);
  const changes = await listChanges({ upper, lower, readXattr: files.readXattr, neverRun });
  const changed = new Set(changes.map(({ Path }) => Path));
  const top = await open(upper, files.O_PATH | constants.O_DIRECTORY);
  const layer = Readable.from(packTree({ files, tree: undefined, top, name: '', changed }), {
    objectMode: false,
    // Pieces are large already.
    highWaterMark: 1,
  });
  layer.once('close', () => drop(top));
  return layer;
}
