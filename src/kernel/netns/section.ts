/**
 * Being in another network namespace for the length of a synchronous section.
 *
 * setns(2) changes the calling thread alone. Node's JavaScript runs on one thread, so everything synchronous inside the
 * section happens there, and nothing else runs meanwhile. What a section must not do is start something asynchronous:
 * a libuv pool thread born inside would inherit the namespace for ever (`warmThreadPool()` makes them all beforehand).
 * Sockets keep the namespace they were opened in: open inside, use outside. But Node's own `server.listen()` and
 * `net.connect()` put the work off to the next tick, which is outside: use `src/kernel/sockets.ts`. A spawned process
 * is forked from this thread at once: `spawn()` inside a section runs the program there.
 */
import { writeSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { internal } from '../../base/errors.ts';
import { errnoError } from '../ffi/errno.ts';
import { check, lastErrno, libc } from '../ffi/libc.ts';
import { CLONE_NEWNET, O_CLOEXEC, O_RDONLY } from './constants.ts';
import { type NetnsHandle, OWN_NETNS, openNetns } from './handle.ts';

/**
 * Runs `fn` inside a namespace and returns what it returns.
 *
 * `fn` must be synchronous: a Promise is refused with an error (after the way back), since its continuation would run
 * outside. When the way back fails the process is aborted: going on in a container's namespace would be worse.
 *
 * @param target an open handle (cheaper when there is more than one section), or a path
 */
export function withNetns<T>(target: NetnsHandle | string, fn: () => T): T {
  if (typeof target === 'string') {
    using handle = openNetns(target);
    return withNetns(handle, fn);
  }
  const result = awayFromHome(() => {
    check(libc().setns(target.fd, CLONE_NEWNET), () => `enter network namespace ${target.path}`);
    return fn();
  });
  if (isThenable(result)) {
    // Its failure is told by the error below; without a handler it would end the process as well.
    result.then(undefined, () => {});
    throw internal(
      `run in network namespace ${target.path}: the section must be synchronous, it returned a Promise`,
    );
  }
  return result;
}

/** Runs `fn`, which may leave this thread's namespace, and comes back whatever happens. Sections may be nested. */
export function awayFromHome<T>(fn: () => T): T {
  const home = check(libc().open(OWN_NETNS, O_RDONLY | O_CLOEXEC, 0), 'open the own network namespace');
  try {
    return fn();
  } finally {
    if (libc().setns(home, CLONE_NEWNET) < 0) abortAway(lastErrno());
    libc().close(home);
  }
}

function abortAway(errno: number): void {
  const { message } = errnoError('return to the own network namespace', errno);
  // Synchronous: a stream's buffer would be lost with the process.
  writeSync(
    2,
    `bridgeport: fatal: ${message}; aborting, since every later call would act on the wrong network\n`,
  );
  libc().abort();
}

/**
 * Starts every thread of libuv's pool now, in the namespace the process was started in. Call it once before the first
 * section. libuv makes the whole pool at the first request, so one request is enough.
 */
export async function warmThreadPool(): Promise<void> {
  await stat('/');
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | null | undefined)?.then === 'function';
}
