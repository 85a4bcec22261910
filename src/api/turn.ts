/** For work that takes long, between its parts. */

import { setImmediate } from 'node:timers/promises';

/**
 * Resolves when what has come in meanwhile was dealt with. Twice, since immediates run after the poll for events in which they may have
 * been asked for: only before the second has there been another poll.
 */
export async function turn(): Promise<void> {
  await setImmediate();
  await setImmediate();
}
