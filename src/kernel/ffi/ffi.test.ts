import assert from 'node:assert/strict';
import { constants } from 'node:os';
import { describe, it } from 'node:test';
import { BridgeportError } from '../../base/errors.ts';
import { errnoError, errnoName, errnoNumber, errnoText, isErrno } from './errno.ts';
import { addressOf, callAsync, check, lastErrno, libc } from './libc.ts';
import { watchReadable } from './poll.ts';
import { decodeSockaddr, encodeSockaddr } from './sockaddr.ts';

/** `O_CLOEXEC | O_NONBLOCK` as the flags of pipe2(2) and eventfd(2) */
const NONBLOCK_CLOEXEC = 0o2000000 | 0o4000;

describe('errno', () => {
  it('the table agrees with the numbers Node was built with', () => {
    for (const [name, number] of Object.entries(constants.errno)) {
      // Two names for one number: EWOULDBLOCK is EAGAIN, EOPNOTSUPP is what glibc calls ENOTSUP.
      const expected = { EWOULDBLOCK: 'EAGAIN', ENOTSUP: 'EOPNOTSUPP' }[name] ?? name;
      assert.equal(errnoName(number), expected);
    }
    assert.equal(errnoNumber('EADDRINUSE'), 98);
    assert.equal(errnoName(4711), 'E4711');
    assert.throws(() => errnoNumber('ENONSENSE'), RangeError);
  });

  it('`errnoError()` names the action, the errno and the words of the kernel', () => {
    const error = errnoError('bind 0.0.0.0:80', 98, { extack: 'no luck' });
    assert.equal(error.message, 'bind 0.0.0.0:80: address already in use (no luck)');
    assert.equal(error.errno, 'EADDRINUSE');
    assert.equal(error.extack, 'no luck');
    assert.equal(error.kind, 'internal');
    assert.ok(isErrno(error, 'EEXIST', 'EADDRINUSE'));
    assert.ok(!isErrno(error, 'EEXIST'));
    assert.ok(isErrno(Object.assign(new Error('x'), { code: 'ENOENT' }), 'ENOENT'));
    assert.ok(!isErrno('ENOENT', 'ENOENT'));
    assert.equal(errnoText(5), 'input/output error');
    assert.equal(errnoText(45), 'level 2 not synchronized');
    assert.equal(errnoText(4711), 'unknown error 4711');
  });
});

describe('the C library', () => {
  it('`check()` passes results through and throws the errno of failures', () => {
    assert.equal(check(3, 'never said'), 3);
    assert.throws(
      () => check(libc().close(-1), () => 'close -1'),
      (error) => error instanceof BridgeportError && error.message === 'close -1: bad file descriptor',
    );
    assert.equal(libc().close(-1), -1);
    assert.equal(errnoName(lastErrno()), 'EBADF');
  });

  it('buffers are read and written in place, by themselves and by address', () => {
    const fds = new Int32Array(2);
    check(libc().pipe2(new Uint8Array(fds.buffer), NONBLOCK_CLOEXEC), 'pipe2');
    const [reader = -1, writer = -1] = fds;
    const sent = Buffer.from('hello kernel');
    assert.equal(libc().write(writer, sent.subarray(6), 6), 6);
    assert.equal(libc().write(writer, addressOf(sent), 5), 5);
    const received = Buffer.alloc(16);
    assert.equal(libc().read(reader, received, 16), 11);
    assert.equal(received.toString('utf8', 0, 11), 'kernelhello');
    assert.equal(libc().read(reader, received, 16), -1);
    assert.equal(errnoName(lastErrno()), 'EAGAIN');
    libc().close(reader);
    libc().close(writer);
  });

  it('`callAsync()` brings result and errno of the other thread', async () => {
    const buffer = Buffer.alloc(8);
    const { result, errno } = await callAsync(libc().read, -1, buffer, 8);
    assert.equal(result, -1);
    assert.equal(errnoName(errno), 'EBADF');
  });

  it('`watchReadable()` calls in a proper scope, until it is closed', async () => {
    const fd = check(libc().eventfd(1, NONBLOCK_CLOEXEC), 'eventfd');
    const buffer = Buffer.alloc(8);
    const seen: string[] = [];
    await new Promise<void>((resolve) => {
      const watch = watchReadable(fd, () => {
        libc().read(fd, buffer, 8);
        seen.push('readable');
        queueMicrotask(() => seen.push('microtask'));
        if (seen.length > 2) {
          watch.close();
          watch.close();
          resolve();
        } else {
          setTimeout(() => libc().write(fd, buffer, 8), 5);
        }
      });
    });
    libc().write(fd, buffer, 8);
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.deepEqual(seen, ['readable', 'microtask', 'readable', 'microtask']);
    libc().close(fd);
  });
});

describe('socket addresses', () => {
  it('bytes are those of struct sockaddr_in and sockaddr_in6', () => {
    const v4 = encodeSockaddr({ address: '127.0.0.1', port: 8080 });
    assert.equal(v4.toString('hex'), '02001f907f0000010000000000000000');
    const v6 = encodeSockaddr({ address: '::1', port: 53 });
    assert.equal(v6.toString('hex'), `0a00003500000000${'0'.repeat(31)}100000000`);
    for (const sockaddr of [v4, v6]) assert.deepEqual(encodeSockaddr(decodeSockaddr(sockaddr)), sockaddr);
    assert.throws(() => encodeSockaddr({ address: '::1', port: 65536 }), /65536 is not a port/);
    assert.throws(() => decodeSockaddr(Buffer.alloc(16)), /family 0/);
  });
});
