/** The kernel's table of the files that this process has open. */
import { callAsync, libc } from './libc.ts';

/** `F_DUPFD_CLOEXEC` of `<fcntl.h>`: a copy with the lowest free number that is at least so high. */
const F_DUPFD_CLOEXEC = 1030;
const STANDARD_INPUT = 0;

/**
 * Makes room for `count` descriptors, beside the running thread. By itself the table doubles whenever it is full (64, 128,
 * 256, …), and where threads share it, as Node's do, the kernel each time waits for whoever may still read the old one
 * (`expand_fdtable()`: synchronize_rcu()): 10 to 16 ms in which the socket(2) or accept4(2) that wanted one more stands still.
 *
 * It only ever saves time, so that nobody is told when it cannot be done. A process whose event loop does not run keeps
 * one copy of standard input open at the end of the table.
 */
export async function reserveDescriptors(count: number): Promise<void> {
  const { result } = await callAsync(libc().fcntl, STANDARD_INPUT, F_DUPFD_CLOEXEC, count - 1);
  if (result >= 0) libc().close(result);
}
