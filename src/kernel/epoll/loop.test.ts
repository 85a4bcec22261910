import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { check, libc } from '../ffi/libc.ts';
import { EPOLLIN, EPOLLOUT, EpollLoop } from './loop.ts';

const O_NONBLOCK = 0o4000;

/** A pipe as `[read end, write end]`. */
function pipe(): [number, number] {
  const fds = new Int32Array(2);
  check(libc().pipe2(new Uint8Array(fds.buffer), O_NONBLOCK), 'open a pipe');
  return [fds[0]!, fds[1]!];
}

describe('EpollLoop', () => {
  const faults: unknown[] = [];
  const newLoop = () => new EpollLoop({ onFault: (error) => faults.push(error) });
  const byte = Buffer.from('x');

  it('calls the watcher of a descriptor that is ready, until it is stopped', () => {
    const loop = newLoop();
    const [reader, writer] = pipe();
    const calls: Array<[fd: number, events: number]> = [];
    loop.add(reader, EPOLLIN, {
      onReady(fd, events) {
        calls.push([fd, events]);
        libc().read(fd, Buffer.alloc(1), 1);
        loop.stop();
      },
    });
    libc().write(writer, byte, 1);
    loop.run();
    assert.deepEqual(calls, [[reader, EPOLLIN]]);
    for (const fd of [reader, writer]) libc().close(fd);
    loop.close();
  });

  it('`modify()` changes what is waited for, `remove()` ends it', () => {
    const loop = newLoop();
    const [reader, writer] = pipe();
    let calls = 0;
    loop.add(writer, 0, {
      onReady() {
        calls++;
        loop.remove(writer);
      },
    });
    loop.after(20, () => {
      assert.equal(calls, 0);
      loop.modify(writer, EPOLLOUT);
      // From here, so that the loop looks at the descriptor in between however late the first timer was.
      loop.after(40, () => loop.stop());
    });
    loop.run();
    assert.equal(calls, 1);
    for (const fd of [reader, writer]) libc().close(fd);
    loop.close();
  });

  it('an event of a descriptor that was closed in the same batch does not reach its number’s next owner', () => {
    const loop = newLoop();
    const [first, second] = [pipe(), pipe()];
    const seen: string[] = [];
    let reused = -1;
    const closeOther = (other: number) => ({
      onReady(fd: number) {
        seen.push('one of two');
        libc().read(fd, Buffer.alloc(1), 1);
        if (reused !== -1) return;
        loop.forget(other);
        libc().close(other);
        reused = check(libc().eventfd(0, O_NONBLOCK), 'open an eventfd');
        assert.equal(reused, other);
        loop.add(reused, EPOLLIN, { onReady: () => seen.push('the new one') });
      },
    });
    loop.add(first[0], EPOLLIN, closeOther(second[0]));
    loop.add(second[0], EPOLLIN, closeOther(first[0]));
    for (const [, writer] of [first, second]) libc().write(writer, byte, 1);
    loop.after(30, () => loop.stop());
    loop.run();
    assert.deepEqual(seen, ['one of two']);
    loop.close();
  });

  it('timers run in order of time, and not after `cancel()`', () => {
    const loop = newLoop();
    const order: string[] = [];
    loop.after(30, () => {
      order.push('later');
      loop.stop();
    });
    loop.after(5, () => order.push('sooner'));
    loop.after(10, () => order.push('never')).cancel();
    loop.run();
    assert.deepEqual(order, ['sooner', 'later']);
    loop.close();
  });

  it('goes on after a watcher has thrown, and tells it to close', () => {
    const loop = newLoop();
    const [reader, writer] = pipe();
    let aborted = 0;
    loop.add(reader, EPOLLIN, {
      onReady() {
        throw new Error('broken');
      },
      abort() {
        aborted++;
        loop.remove(reader);
      },
    });
    libc().write(writer, byte, 1);
    loop.after(20, () => loop.stop());
    loop.run();
    assert.equal(aborted, 1);
    assert.match(String(faults.at(-1)), /broken/);
    for (const fd of [reader, writer]) libc().close(fd);
    loop.close();
  });
});
