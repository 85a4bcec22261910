/** Readiness of a descriptor of ours on Node's event loop: uv_poll(3), so neither a thread nor a timer is held. */
import koffi from 'koffi';

export interface PollWatch {
  /** Stops watching; the descriptor stays open and is the caller's to close afterwards. Idempotent. */
  close(): void;
  /** Whether the watch keeps the process alive (it does at first). */
  ref(): void;
  unref(): void;
}

/**
 * Calls `onReadable` whenever `fd` has something to read or an error to tell (level-triggered), until closed.
 *
 * `fd` must be non-blocking, must not be given to two watches, and must stay open until the watch is closed. `onReadable`
 * has to read, so that a pending error is taken off the socket. What it throws becomes an uncaught exception.
 */
export function watchReadable(fd: number, onReadable: () => void): PollWatch {
  let closed = false;
  let scheduled = false;
  // koffi calls back straight from uv_poll, outside Node's callback scope: microtasks would not run afterwards, and a
  // throw would be lost. setImmediate brings us into a proper scope within the same turn of the loop.
  const onPoll = (status: number) => {
    // libuv stops a handle at POLLERR (and calls it EBADF). For a netlink socket that is no more than ENOBUFS, lost
    // events, so the watch goes on once the error has been read.
    const stopped = status < 0;
    if (scheduled) return;
    scheduled = true;
    setImmediate(() => {
      scheduled = false;
      if (closed) return;
      try {
        onReadable();
      } finally {
        if (stopped && !closed) handle.start({ readable: true }, callback);
      }
    });
  };
  // koffi's typings lack the status, which its source passes first.
  const callback = onPoll as unknown as () => void;
  const handle = koffi.node.poll(fd, { readable: true }, callback);
  return {
    close() {
      if (closed) return;
      closed = true;
      handle.close();
    },
    ref: () => handle.ref(),
    unref: () => handle.unref(),
  };
}
