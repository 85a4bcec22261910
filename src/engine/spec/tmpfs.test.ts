import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkTmpfs, tmpfsOptions } from './tmpfs.ts';

test('without options: nothing to run, no devices, no set-user-id', () => {
  assert.deepEqual(tmpfsOptions(''), ['noexec', 'nosuid', 'nodev']);
});

test('the options of the user overrule, the last of several counts', () => {
  assert.deepEqual(tmpfsOptions('exec,size=1m'), ['nosuid', 'nodev', 'exec', 'size=1m']);
  assert.deepEqual(tmpfsOptions('suid,nosuid,size=1m,mode=700,size=2m'), [
    'noexec',
    'nodev',
    'nosuid',
    'mode=700',
    'size=2m',
  ]);
  assert.deepEqual(tmpfsOptions('defaults,,rw'), ['noexec', 'nosuid', 'nodev', 'rw']);
});

test('options that tmpfs does not have are refused', () => {
  for (const [text, name] of [
    ['color=red', 'color'],
    ['size', 'size'],
    ['exec=1', 'exec'],
    ['ro,loop', 'loop'],
    ['bind', 'bind'],
  ] as const) {
    assert.throws(() => tmpfsOptions(text), { kind: 'invalid', message: `invalid tmpfs option "${name}"` });
  }
});

test('`checkTmpfs()` wants an absolute target that is not the root', () => {
  checkTmpfs('/run', 'size=10%');
  assert.throws(() => checkTmpfs('run', ''), {
    message: "invalid mount path: 'run' mount path must be absolute",
  });
  for (const target of ['/', '//', '/a/..'])
    assert.throws(() => checkTmpfs(target, ''), /destination can't be '\/'/);
});
