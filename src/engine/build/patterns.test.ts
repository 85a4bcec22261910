import assert from 'node:assert/strict';
import { it } from 'node:test';
import { isIgnored, patternOf } from './patterns.ts';

it('`patternOf()` matches as Go does', () => {
  const cases: ReadonlyArray<[string, string, boolean]> = [
    ['*.txt', 'a.txt', true],
    ['*.txt', 'a/b.txt', false],
    ['a?c', 'abc', true],
    ['a?c', 'a/c', false],
    ['[a-c]x', 'bx', true],
    ['[^a-c]x', 'bx', false],
    ['[^a-c]x', 'dx', true],
    ['a\\*', 'a*', true],
    ['a\\*', 'ab', false],
    ['a.c', 'abc', false],
    ['a+(b)', 'a+(b)', true],
  ];
  for (const [pattern, path, expected] of cases)
    assert.equal(patternOf(pattern).test(path), expected, `${pattern} ${path}`);
  assert.throws(() => patternOf('[a'), /syntax error in pattern "\[a"/);
});

it('`isIgnored()` reads a .dockerignore', () => {
  const text = '# comment\nDocker*\n/logs/\n**/*.tmp\n!keep.tmp\nsrc/**\n';
  const cases: ReadonlyArray<[string, boolean]> = [
    ['Dockerfile', true],
    ['logs/a', true],
    ['a/logs', false],
    ['a/b/c.tmp', true],
    ['x.tmp', true],
    ['keep.tmp', false],
    ['src/a/b', true],
    ['readme', false],
  ];
  for (const [path, expected] of cases) assert.equal(isIgnored(text, path), expected, path);
  assert.equal(isIgnored('', 'Dockerfile'), false);
});
