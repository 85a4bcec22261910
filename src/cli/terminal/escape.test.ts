import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_DETACH_KEYS, detachKeyBytes, EscapeFilter } from './escape.ts';

test('`detachKeyBytes()` reads control keys and characters', () => {
  assert.deepEqual(detachKeyBytes(DEFAULT_DETACH_KEYS), [16, 17]);
  assert.deepEqual(detachKeyBytes('ctrl-a,d'), [1, 100]);
  assert.deepEqual(detachKeyBytes('ctrl-@,ctrl-[,ctrl-\\,ctrl-],ctrl-^,ctrl-_'), [0, 27, 28, 29, 30, 31]);
});

test('`detachKeyBytes()` quotes a key that is none', () => {
  assert.throws(() => detachKeyBytes('ctrl-ab'), { message: 'unknown character: "ctrl-ab"' });
  assert.throws(() => detachKeyBytes('ctrl-1'), { message: 'unknown character: "ctrl-1"' });
  assert.throws(() => detachKeyBytes('ab'), { message: 'unknown character: "ab"' });
});

function typed(...inputs: string[]): { output: string; detached: boolean } {
  const filter = new EscapeFilter([16, 17]);
  let output = '';
  for (const input of inputs) {
    const result = filter.push(Buffer.from(input));
    output += result.output.toString();
    if (result.detached) return { output, detached: true };
  }
  return { output, detached: false };
}

test('`EscapeFilter` finds the sequence, also in two pieces', () => {
  assert.deepEqual(typed('ab\x10\x11rest'), { output: 'ab', detached: true });
  assert.deepEqual(typed('ab\x10', '\x11'), { output: 'ab', detached: true });
  assert.deepEqual(typed('\x10\x10\x11'), { output: '\x10', detached: true });
});

test('`EscapeFilter` passes on what only began like it', () => {
  assert.deepEqual(typed('\x10', 'x'), { output: '\x10x', detached: false });
  assert.deepEqual(typed('\x11\x10a\x11'), { output: '\x11\x10a\x11', detached: false });
});
