import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeOffset, findJsonFault } from './json.ts';

const SAMPLES = [
  '{}',
  '[]',
  ' {"a" : [1, -2.5e+3, true, false, null, "x\\u00e9\\n\\/"], "b": {"c": {}}} ',
  '"é"',
  '0',
  '-0.1E5',
  '',
  '{',
  '{"a"',
  '{"a":}',
  '{"a":1,}',
  '[1,]',
  '[1 2]',
  '01',
  '1.',
  '.5',
  '+1',
  'tru',
  'nulll',
  "{'a': 1}",
  '{a: 1}',
  '"a\nb"',
  '"\\x"',
  '"\\u12"',
  '"open',
  '{} x',
  '// no',
  '{"a": 1 /* no */}',
];

test('`findJsonFault()` finds a fault exactly where `JSON.parse` refuses', () => {
  for (const text of SAMPLES) {
    let valid = true;
    try {
      JSON.parse(text);
    } catch {
      valid = false;
    }
    assert.equal(findJsonFault(text) === undefined, valid, JSON.stringify(text));
  }
});

test('`findJsonFault()` points at the first character that cannot stand there', () => {
  assert.equal(findJsonFault('{"a": x}'), 6);
  assert.equal(findJsonFault('[1,]'), 3);
  assert.equal(findJsonFault('{"a": 1'), 7);
  assert.equal(findJsonFault('{} x'), 3);
});

test('`describeOffset()` counts lines and columns from 1', () => {
  assert.equal(describeOffset('ab\ncd', 0), 'line 1, column 1');
  assert.equal(describeOffset('ab\ncd', 4), 'line 2, column 2');
});
