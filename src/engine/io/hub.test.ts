import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import { OutputHub, type OutputTarget } from './hub.ts';

class Target extends EventEmitter implements OutputTarget {
  destroyed = false;
  writableEnded = false;
  writableLength = 0;
  text = '';

  write(chunk: Buffer): boolean {
    this.text += chunk.toString();
    return true;
  }
}

test('output goes to everybody who is attached, by stream', () => {
  const hub = new OutputHub();
  const [a, b, errors] = [new Target(), new Target(), new Target()];
  hub.attach({ stdout: a, ended() {} });
  const release = hub.attach({ stdout: b, stderr: errors, ended() {} });
  assert.equal(hub.hasSinks, true);
  assert.equal(hub.write('stdout', Buffer.from('one')), true);
  hub.write('stderr', Buffer.from('two'));
  release();
  hub.write('stdout', Buffer.from(' three'));
  assert.deepEqual([a.text, b.text, errors.text], ['one three', 'one', 'two']);
});

test('a target that has ended or was destroyed gets nothing', () => {
  const hub = new OutputHub();
  const [ended, destroyed] = [new Target(), new Target()];
  ended.writableEnded = true;
  destroyed.destroyed = true;
  hub.attach({ stdout: ended, stderr: destroyed, ended() {} });
  assert.equal(hub.write('stdout', Buffer.from('x')), true);
  assert.equal(hub.write('stderr', Buffer.from('x')), true);
  assert.deepEqual([ended.text, destroyed.text], ['', '']);
});

test('a client that does not read pauses the source until it does', () => {
  const hub = new OutputHub();
  const slow = new Target();
  let resumed = 0;
  hub.onDrain(() => resumed++);
  hub.attach({ stdout: slow, ended() {} });
  slow.writableLength = 2 * 1024 * 1024;
  assert.equal(hub.write('stdout', Buffer.from('x')), false);
  assert.equal(hub.write('stdout', Buffer.from('y')), false);
  slow.writableLength = 0;
  slow.emit('drain');
  assert.equal(resumed, 1);
  assert.equal(hub.write('stdout', Buffer.from('z')), true);
  assert.equal(slow.listenerCount('drain') + slow.listenerCount('close'), 0);
});

test('two slow clients must both have read, and one that goes away holds nobody up', () => {
  const hub = new OutputHub();
  const [a, b] = [new Target(), new Target()];
  let resumed = 0;
  hub.onDrain(() => resumed++);
  hub.attach({ stdout: a, ended() {} });
  const release = hub.attach({ stdout: b, ended() {} });
  a.writableLength = b.writableLength = 2 * 1024 * 1024;
  assert.equal(hub.write('stdout', Buffer.from('x')), false);
  a.writableLength = 0;
  a.emit('drain');
  assert.equal(resumed, 0);
  release();
  b.emit('close');
  assert.equal(resumed, 1);
});

test('`end()` tells every sink once, and the next run has none', () => {
  const hub = new OutputHub();
  let ended = 0;
  const target = new Target();
  hub.attach({ stdout: target, ended: () => ended++ });
  hub.attach({ ended: () => ended++ });
  hub.end();
  hub.end();
  assert.equal(ended, 2);
  assert.equal(hub.hasSinks, false);
  hub.write('stdout', Buffer.from('x'));
  assert.equal(target.text, '');
});
