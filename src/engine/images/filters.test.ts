import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseReference } from '../../runtime/registry/reference.ts';
import { booleanFilter, parseMoment, referenceMatcher } from './filters.ts';

describe('referenceMatcher()', () => {
  for (const [pattern, name, expected] of [
    ['nginx', 'nginx:1', true],
    ['nginx:1', 'nginx:1', true],
    ['nginx:2', 'nginx:1', false],
    ['ng*', 'nginx:1', true],
    ['*', 'team/nginx:1', false],
    ['*/*', 'team/nginx:1', true],
    ['*:5000/a.b', 'host:5000/a.b:x', true],
    ['*:5000/a.b', 'host:5000/a_b:x', false],
    ['ngin?:[0-9]', 'nginx:7', true],
    ['ngin?:[^0-9]', 'nginx:7', false],
    ['nginx:\\1', 'nginx:1', true],
    ['n+x', 'nnx:1', false],
  ] as Array<[string, string, boolean]>) {
    test(`'${pattern}' ${expected ? 'fits' : 'does not fit'} ${name}`, () => {
      assert.equal(referenceMatcher(pattern)(parseReference(name)), expected);
    });
  }
  for (const pattern of ['[a', 'a\\', '[z-a]']) {
    test(`refuses '${pattern}'`, () => {
      assert.throws(() => referenceMatcher(pattern), { kind: 'invalid', message: /syntax error in pattern/ });
    });
  }
});

test('parseMoment() takes seconds, dates and durations', () => {
  const now = Date.UTC(2024, 0, 2);
  assert.equal(parseMoment('1700000000.5', now), 1_700_000_000_500);
  assert.equal(parseMoment('2024-01-01T00:00:00Z', now), now - 86_400_000);
  assert.equal(parseMoment('1h30m', now), now - 5_400_000);
  for (const text of ['', 'soon', '1x', '-1']) {
    assert.throws(() => parseMoment(text, now), { kind: 'invalid' }, text);
  }
});

test('booleanFilter() takes what Go takes, and refuses contradictions', () => {
  assert.equal(booleanFilter({}, 'dangling'), undefined);
  assert.equal(booleanFilter({ dangling: ['1'] }, 'dangling'), true);
  assert.equal(booleanFilter({ dangling: ['False'] }, 'dangling'), false);
  assert.throws(() => booleanFilter({ dangling: ['true', 'false'] }, 'dangling'), { kind: 'invalid' });
  assert.throws(() => booleanFilter({ dangling: ['yes'] }, 'dangling'), { kind: 'invalid' });
});
