import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseSignal } from './signals.ts';

test('`parseSignal()` reads numbers and names, with and without SIG, in any case', () => {
  const cases: Array<[string, number]> = [
    ['15', 15],
    ['9', 9],
    ['1', 1],
    ['64', 64],
    ['SIGTERM', 15],
    ['TERM', 15],
    ['sigkill', 9],
    ['Hup', 1],
    ['USR1', 10],
    ['SIGQUIT', 3],
    ['WINCH', 28],
    ['RTMIN', 34],
    ['SIGRTMIN+3', 37],
    ['RTMAX', 64],
    ['rtmax-14', 50],
  ];
  for (const [text, number] of cases) assert.equal(parseSignal(text), number, text);
});

test('`parseSignal()` refuses what is no signal, in the words of Docker', () => {
  for (const text of [
    '0',
    '65',
    '-1',
    '15.5',
    'SIG',
    'SIGNOTHING',
    'RTMIN-1',
    'RTMAX+1',
    'RTMIN+31',
    ' TERM',
    '',
  ]) {
    assert.throws(() => parseSignal(text), { kind: 'invalid', message: `Invalid signal: ${text}` }, text);
  }
});
