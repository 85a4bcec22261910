import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_DETACH_KEYS, DetachWatcher, parseDetachKeys } from './detach-keys.ts';

test('`parseDetachKeys()` reads letters and control keys', () => {
  const cases: Array<[string, number[]]> = [
    [DEFAULT_DETACH_KEYS, [16, 17]],
    ['ctrl-a', [1]],
    ['ctrl-z', [26]],
    ['ctrl-@,ctrl-[,ctrl-\\,ctrl-],ctrl-^,ctrl-_', [0, 27, 28, 29, 30, 31]],
    ['a', [97]],
    ['ctrl-x,q,Q', [24, 113, 81]],
  ];
  for (const [text, bytes] of cases) assert.deepEqual([...parseDetachKeys(text)], bytes, text);
});

test('`parseDetachKeys()` refuses what is no key, quoting it', () => {
  for (const text of ['ctrl-A', 'ctrl-', 'ctrl-aa', 'meta-a', 'ab', 'ctrl-p,', ',a', 'ctrl-1']) {
    assert.throws(() => parseDetachKeys(text), { kind: 'invalid', message: new RegExp(quoted(text)) }, text);
  }
});

const quoted = (text: string) => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');

function typed(keys: string, ...chunks: string[]): { data: string; detached: boolean } {
  const watcher = new DetachWatcher(parseDetachKeys(keys));
  let data = '';
  for (const chunk of chunks) {
    const result = watcher.push(Buffer.from(chunk, 'latin1'));
    data += result.data.toString('latin1');
    if (result.detached) return { data, detached: true };
  }
  return { data, detached: false };
}

test('the sequence detaches, in one piece or in several, and what came before is handed on', () => {
  assert.deepEqual(typed(DEFAULT_DETACH_KEYS, '\x10\x11'), { data: '', detached: true });
  assert.deepEqual(typed(DEFAULT_DETACH_KEYS, 'ls\n\x10', '\x11rest'), { data: 'ls\n', detached: true });
  assert.deepEqual(typed('a', 'bca'), { data: 'bc', detached: true });
});

test('a sequence that was only begun is handed on when it becomes something else', () => {
  assert.deepEqual(typed(DEFAULT_DETACH_KEYS, '\x10', 'x'), { data: '\x10x', detached: false });
  assert.deepEqual(typed(DEFAULT_DETACH_KEYS, '\x10'), { data: '', detached: false });
  assert.deepEqual(typed(DEFAULT_DETACH_KEYS, '\x10\x10\x11'), { data: '\x10', detached: true });
  assert.deepEqual(typed('a,b,c', 'ababc'), { data: 'ab', detached: true });
});

test('bytes of every value pass unchanged', () => {
  const all = Buffer.from(Array.from({ length: 256 }, (_, index) => index));
  const watcher = new DetachWatcher(parseDetachKeys(DEFAULT_DETACH_KEYS));
  // 16, 17 in a row would be the sequence itself.
  const without = Buffer.concat([all.subarray(0, 17), all.subarray(18)]);
  const { data, detached } = watcher.push(without);
  assert.equal(detached, false);
  assert.deepEqual(data, without);
});
