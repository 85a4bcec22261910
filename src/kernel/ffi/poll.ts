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
 * Calls `onReadable` whenever `fd` has something to read (level-triggered), until closed.
 *
 * `fd` must be non-blocking and must not be given to two watches. What `onReadable` throws becomes an uncaught exception.
 */
export function watchReadable(fd: number, onReadable: () => void): PollWatch {
  let closed = false;
  let scheduled = false;
  // koffi calls back straight from uv_poll, outside Node's callback scope: microtasks would not run afterwards, and a
  // throw would be lost. setImmediate brings us into a proper scope within the same turn of the loop.
  const handle = koffi.node.poll(fd, { readable: true }, () => {
    if (scheduled) return;
    scheduled = true;
    setImmediate(() => {
      scheduled = false;
      if (!closed) onReadable();
    });
  });
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
