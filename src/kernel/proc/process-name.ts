/** How this process is called in `ps -e`, `top`, `pgrep` and `ss -p`. */

import { writeFileSync } from 'node:fs';

/**
 * Node calls itself `MainThread`, and so `ss -ltnp` would say that `MainThread` holds a published port. Unlike
 * `process.title` this leaves the command line as it is. @param name the kernel keeps its first 15 bytes (proc(5), `comm`)
 */
export function nameProcess(name: string): void {
  try {
    writeFileSync('/proc/self/comm', name);
  } catch {
    // Without /proc nobody looks for names either.
  }
}
