import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NAME_PATTERN, randomName } from './names.ts';

test('`randomName()` is an adjective and a surname, fit for a container', () => {
  const names = Array.from({ length: 500 }, () => randomName());
  for (const name of names) {
    assert.match(name, /^[a-z]+_[a-z]+$/);
    assert.match(name, NAME_PATTERN);
  }
  assert.ok(new Set(names).size > 450, 'names rarely repeat');
});

test('`randomName()` appends a digit when the first name was taken', () => {
  assert.match(randomName(1), /^[a-z]+_[a-z]+[0-9]$/);
});

test('`randomName()` has no word twice', () => {
  const seen: string[][] = [[], []];
  for (let index = 0; index < 300; index++) {
    const [adjective = '', surname = ''] = randomName(0, (below) => Math.min(index, below - 1)).split('_');
    seen[0]?.push(adjective);
    seen[1]?.push(surname);
  }
  for (const words of seen) {
    const distinct = words.slice(0, words.indexOf(words.at(-1) ?? '') + 1);
    assert.equal(new Set(distinct).size, distinct.length);
  }
});

test('`NAME_PATTERN` is Docker rule for names', () => {
  for (const name of ['web', 'web-1', 'a.b_c', '0x']) assert.match(name, NAME_PATTERN);
  for (const name of ['', 'a', '-web', 'we b', 'wéb', '/web']) assert.doesNotMatch(name, NAME_PATTERN);
});
