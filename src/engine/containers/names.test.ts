import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NameIndex, normalizeName } from './names.ts';

test('`normalizeName()` takes one slash off and refuses what Docker refuses, quoting what was given', () => {
  assert.equal(normalizeName('/web'), 'web');
  assert.equal(normalizeName('Web_1.x-y'), 'Web_1.x-y');
  for (const name of ['', '/', 'a', '//web', '-web', '.web', 'we b', 'web/1', 'wéb', 'web\n']) {
    assert.throws(
      () => normalizeName(name),
      {
        kind: 'invalid',
        message: `Invalid container name (${name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`,
      },
      JSON.stringify(name),
    );
  }
});

test('`reserve()` gives a name to one container until it is released by that one', () => {
  const names = new NameIndex();
  names.reserve('web', 'c1');
  names.reserve('web', 'c1');
  assert.throws(() => names.reserve('web', 'c2'), {
    kind: 'conflict',
    message:
      'Conflict. The container name "/web" is already in use by container "c1". You have to remove (or rename) that container to be able to reuse that name.',
  });
  names.release('web', 'c2');
  assert.equal(names.holder('web'), 'c1');
  names.release('web', 'c1');
  assert.equal(names.holder('web'), undefined);
  names.reserve('web', 'c2');
  assert.equal(names.holder('web'), 'c2');
});
