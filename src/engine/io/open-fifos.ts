/**
 * A shim waits in `create` and in the start of an exec until somebody opens the other end of its FIFOs, for at most 30 s, and answers
 * nothing meanwhile. When both the daemon that made them and the port keeper have been killed, nobody would.
 */

import { closeSync, constants, existsSync, openSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Opens every FIFO below a folder, for both directions, until the function that it gives is called. */
export function openFifosBelow(folder: string): () => void {
  if (!existsSync(folder)) return () => {};
  const descriptors = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFIFO())
    .flatMap(({ parentPath, name }) => open(join(parentPath, name)) ?? []);
  return () => {
    for (const fd of descriptors) closeSync(fd);
  };
}

/** Undefined for one that goes just now: nobody waits for it. */
function open(path: string): number | undefined {
  try {
    return openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  } catch {
    return undefined;
  }
}
