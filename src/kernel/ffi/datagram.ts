/** Several datagrams in one call: recvmmsg(2), sendmmsg(2). */
import koffi from 'koffi';
import type { Pointer } from './libc.ts';

interface Calls {
  /** `struct mmsghdr messages[count]`; the timeout is always NULL (its meaning is broken, see recvmmsg(2), BUGS). */
  recvmmsg(fd: number, messages: Pointer, count: number, flags: number, timeout: null): number;
  sendmmsg(fd: number, messages: Pointer, count: number, flags: number): number;
}

let bound: Calls | undefined;

/** Both return what C returns: the number of messages, or -1 with errno set (`lastErrno()`). */
export function datagramCalls(): Calls {
  if (bound === undefined) {
    const library = koffi.load('libc.so.6');
    bound = Object.freeze({
      recvmmsg: library.func(
        'int recvmmsg(int fd, void *messages, unsigned int count, int flags, void *timeout)',
      ),
      sendmmsg: library.func('int sendmmsg(int fd, void *messages, unsigned int count, int flags)'),
    }) as unknown as Calls;
  }
  return bound;
}
