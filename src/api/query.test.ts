import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Query } from './query.ts';

test('`flag()` takes what clients write for true and false', () => {
  for (const value of ['1', 'true', 'True', 'yes', 'on', 'xyz'])
    assert.equal(new Query(`a=${value}`).flag('a'), true, value);
  for (const value of ['0', 'false', 'False', 'no', 'none', '', '%20']) {
    assert.equal(new Query(`a=${value}`).flag('a'), false, value);
  }
  assert.equal(new Query('').flag('a'), false);
  assert.equal(new Query('').flag('a', true), true);
  assert.equal(new Query('a').flag('a', true), false);
});

test('`integer()` takes decimal numbers only', () => {
  assert.equal(new Query('t=10').integer('t'), 10);
  assert.equal(new Query('t=-1').integer('t'), -1);
  assert.equal(new Query('t=').integer('t'), undefined);
  assert.equal(new Query('').integer('t'), undefined);
  for (const value of ['abc', '1.5', '1e3', '0x10', 'NaN', 'Infinity', '1%20']) {
    assert.throws(() => new Query(`t=${value}`).integer('t'), /invalid value for 't'.*invalid syntax/, value);
  }
  assert.throws(() => new Query('t=99999999999999999999').integer('t'), /value out of range/);
});

test('`timestamp()` takes seconds with a fraction', () => {
  assert.equal(new Query('since=1700000000.250000000').timestamp('since'), 1_700_000_000.25);
  assert.equal(new Query('since=0').timestamp('since'), 0);
  assert.equal(new Query('since=').timestamp('since'), undefined);
  assert.throws(
    () => new Query('since=yesterday').timestamp('since'),
    /invalid value for "since": "yesterday"/,
  );
});
