/** Resource limits of this process: getrlimit(2), setrlimit(2). */
import koffi from 'koffi';
import { check } from './libc.ts';

/** `RLIMIT_NOFILE` of `<sys/resource.h>`: one more than the highest descriptor a process may open. */
const RLIMIT_NOFILE = 7;

interface Calls {
  getrlimit(resource: number, limit: Uint8Array): number;
  setrlimit(resource: number, limit: Uint8Array): number;
}

let bound: Calls | undefined;

function calls(): Calls {
  if (bound === undefined) {
    const library = koffi.load('libc.so.6');
    bound = Object.freeze({
      getrlimit: library.func('int getrlimit(int resource, void *limit)'),
      setrlimit: library.func('int setrlimit(int resource, const void *limit)'),
    }) as unknown as Calls;
  }
  return bound;
}

/**
 * Sets the soft limit of open files: to `most`, or without it to the hard limit, which is raised to `least` first where it is
 * lower. Raising it needs CAP_SYS_RESOURCE and ends at `fs.nr_open`; where it is refused the hard limit stays what it was.
 *
 * @returns the limit that now holds
 */
export function setOpenFileLimit({ most, least = 0 }: { most?: number; least?: number }): number {
  // struct rlimit { rlim_t rlim_cur; rlim_t rlim_max; }, 64 bits each
  const limit = new BigUint64Array(2);
  const bytes = new Uint8Array(limit.buffer);
  check(calls().getrlimit(RLIMIT_NOFILE, bytes), 'read the limit of open files');
  const hard = limit[1]!;
  if (most === undefined && hard < BigInt(least)) {
    limit.fill(BigInt(least));
    if (calls().setrlimit(RLIMIT_NOFILE, bytes) === 0) return least;
    limit[1] = hard;
  }
  limit[0] = most === undefined || hard < BigInt(most) ? hard : BigInt(most);
  check(calls().setrlimit(RLIMIT_NOFILE, bytes), () => `set the limit of open files to ${limit[0]}`);
  return Number(limit[0]);
}
