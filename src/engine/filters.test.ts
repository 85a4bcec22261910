import assert from 'node:assert/strict';
import { test } from 'node:test';
import { matchesLabels, matchesPattern } from './filters.ts';

test('`matchesLabels()` wants every key or pair', () => {
  const labels = { a: '1', b: '', 'c=d': 'x' };
  assert.equal(matchesLabels(labels, []), true);
  assert.equal(matchesLabels(labels, ['a', 'b', 'a=1', 'b=']), true);
  assert.equal(matchesLabels(labels, ['a=2']), false);
  assert.equal(matchesLabels(labels, ['a', 'z']), false);
  assert.equal(matchesLabels(null, ['a']), false);
  assert.equal(matchesLabels(undefined, []), true);
  assert.equal(matchesLabels({}, ['toString']), false);
});

test('`matchesPattern()` takes regular expressions, and what is none as plain text', () => {
  assert.equal(matchesPattern('web-1', ['^web']), true);
  assert.equal(matchesPattern('web-1', ['^1', '1$']), true);
  assert.equal(matchesPattern('web-1', ['db']), false);
  assert.equal(matchesPattern('a[b', ['[b']), true);
});
