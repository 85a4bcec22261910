import assert from 'node:assert/strict';
import { test } from 'node:test';
import { containerFilters, imageFilters, networkFilters, parseFilters } from './filters.ts';

test('both forms of filters are read', () => {
  assert.deepEqual(parseFilters('{"name":["a","b"]}', containerFilters), { name: ['a', 'b'] });
  assert.deepEqual(parseFilters('{"name":{"a":true,"b":false}}', containerFilters), { name: ['a', 'b'] });
  assert.deepEqual(parseFilters('', containerFilters), {});
  assert.deepEqual(parseFilters('null', containerFilters), {});
  assert.deepEqual(parseFilters('{"name":null}', containerFilters), { name: [] });
});

test('what is no filter is refused', () => {
  for (const text of [
    'x',
    '[]',
    '5',
    '"a"',
    '{',
    '{"name":"a"}',
    '{"name":[1]}',
    '{"name":{"a":1}}',
    '{"name":5}',
  ]) {
    assert.throws(() => parseFilters(text, containerFilters), /^BridgeportError: invalid filter/, text);
  }
});

test('an unknown filter is named', () => {
  assert.throws(() => parseFilters('{"foo":["x"]}', containerFilters), /invalid filter 'foo'$/);
  assert.throws(() => parseFilters('{"toString":["x"]}', containerFilters), /invalid filter 'toString'$/);
  assert.throws(() => parseFilters('{"__proto__":["x"]}', containerFilters), /invalid filter '__proto__'$/);
  assert.deepEqual(parseFilters('{"foo":["x"]}'), { foo: ['x'] });
});

test('an unknown value of a known filter is quoted', () => {
  assert.throws(() => parseFilters('{"status":["zzz"]}', containerFilters), /invalid filter 'status=zzz'$/);
  assert.throws(() => parseFilters('{"exited":["x"]}', containerFilters), /invalid filter 'exited=x'$/);
  assert.throws(
    () => parseFilters('{"dangling":["maybe"]}', imageFilters),
    /invalid filter 'dangling=maybe'$/,
  );
  assert.deepEqual(parseFilters('{"dangling":["1"]}', networkFilters), { dangling: ['1'] });
});
