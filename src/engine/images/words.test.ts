// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the variables are those of Dockerfiles

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { expandWord, splitWords } from './words.ts';

const VARIABLES: Readonly<Record<string, string>> = { a: '1', empty: '', name: 'a b' };
const expand = (text: string, escapeChar?: string) => expandWord(text, (name) => VARIABLES[name], escapeChar);

it('`splitWords()` splits at blanks outside quotes, and keeps quotes and escapes', () => {
  assert.deepEqual(splitWords(`a=1 b="x y"  c='z w' d=e\\ f`), ['a=1', 'b="x y"', "c='z w'", 'd=e\\ f']);
  assert.deepEqual(splitWords('a`  b c\\ d', '`'), ['a` ', 'b', 'c\\', 'd']);
});

it('`expandWord()` puts variables in', () => {
  const cases: ReadonlyArray<[string, string]> = [
    ['$a/${a}b', '1/1b'],
    ['$none.', '.'],
    ['${none:-x}${empty:-y}${a:-z}', 'xy1'],
    ['${none-x}${empty-y}', 'x'],
    ['${none:+x}${empty:+y}${a:+z}', 'z'],
    ['${none+x}${empty+y}', 'y'],
    ['${none:-${a}}', '1'],
    ['"$name" \'$name\'', 'a b $name'],
    ['\\$a "\\$a\\n"', '$a $a\\n'],
    ['$', '$'],
  ];
  for (const [text, expected] of cases) assert.equal(expand(text), expected, text);
  assert.equal(expand('c:\\x`$a', '`'), 'c:\\x$a');
});

it('`expandWord()` refuses what is not closed or not set', () => {
  assert.throws(() => expand('"a'), /looking for matching "/);
  assert.throws(() => expand('${a'), /unsupported or unclosed substitution/);
  assert.throws(() => expand('${none:?is needed}'), /none: is needed/);
});
