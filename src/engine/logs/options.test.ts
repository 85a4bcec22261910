import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseLogOptions } from './options.ts';

const parse = (Config: Record<string, string>) => parseLogOptions({ Type: 'json-file', Config });

test('without options nothing is rotated', () => {
  assert.deepEqual(parse({}), { maxSize: -1, maxFiles: 1 });
});

test('sizes in the spellings of Docker', () => {
  const cases: Array<[string, number]> = [
    ['-1', -1],
    ['100', 100],
    ['10b', 10],
    ['10k', 10_240],
    ['10KB', 10_240],
    ['1.5m', 1_572_864],
    ['2mib', 2_097_152],
    ['1g', 2 ** 30],
  ];
  for (const [text, size] of cases) assert.equal(parse({ 'max-size': text }).maxSize, size, text);
});

test('options for attributes and delivery are known, and change nothing here', () => {
  assert.deepEqual(
    parse({ labels: 'a', tag: 'x', mode: 'non-blocking', 'max-buffer-size': '4m', compress: 'false' }),
    {
      maxSize: -1,
      maxFiles: 1,
    },
  );
});

test('a number of files without a size is fine: nothing is rotated', () => {
  assert.deepEqual(parse({ 'max-file': '3' }), { maxSize: -1, maxFiles: 3 });
});

test('what cannot be is refused with its name and value', () => {
  const cases: Array<[Record<string, string>, RegExp]> = [
    [{ color: 'red' }, /unknown log opt 'color' for json-file log driver/],
    [{ 'max-size': '0' }, /max-size: "0"/],
    [{ 'max-size': '10x' }, /max-size: "10x"/],
    [{ 'max-size': '-5' }, /max-size: "-5"/],
    [{ 'max-file': '0' }, /max-file: "0"/],
    [{ 'max-file': '1.5' }, /max-file: "1.5"/],
    [{ 'max-file': 'many' }, /max-file: "many"/],
    [{ compress: 'yes' }, /compress: "yes"/],
  ];
  for (const [options, message] of cases) assert.throws(() => parse(options), { kind: 'invalid', message });
});
