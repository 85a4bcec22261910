/**
 * The small shell of Dockerfile instructions: words with quotes and escapes, and `$VARIABLE` in them. See "Environment
 * replacement" in Docker's Dockerfile reference.
 */

import { invalid } from '../../base/errors.ts';

export type Lookup = (name: string) => string | undefined;

/** Splits at blanks outside quotes. Quotes and escapes stay for {@link expandWord}. `escapeChar`: of the Dockerfile, `\` or a backtick. */
export function splitWords(text: string, escapeChar = '\\'): string[] {
  const words: string[] = [];
  let word = '';
  let quote = '';
  for (let at = 0; at < text.length; at++) {
    const char = text[at]!;
    if (char === escapeChar && quote !== "'" && at + 1 < text.length) {
      word += char + text[++at]!;
    } else if (quote !== '') {
      word += char;
      if (char === quote) quote = '';
    } else if (char === '"' || char === "'") {
      word += char;
      quote = char;
    } else if (/\s/.test(char)) {
      if (word !== '') words.push(word);
      word = '';
    } else {
      word += char;
    }
  }
  if (word !== '') words.push(word);
  return words;
}

/**
 * Takes quotes and escapes away and puts variables in: `$a`, `${a}`, `${a:-word}`, `${a:+word}`, `${a:?message}`, and the last three without
 * the colon, for which an empty variable is as good as any. An unset variable is empty.
 *
 * @throws `invalid` for a quote or brace that is never closed, and what `?` asks for
 */
export function expandWord(text: string, lookup: Lookup, escapeChar = '\\'): string {
  let result = '';
  let quote = '';
  for (let at = 0; at < text.length; at++) {
    const char = text[at]!;
    if (quote === "'") {
      if (char === "'") quote = '';
      else result += char;
    } else if (char === escapeChar && at + 1 < text.length) {
      const next = text[++at]!;
      // Inside double quotes it protects only what would be special there.
      result += quote === '"' && !['"', '$', escapeChar].includes(next) ? char + next : next;
    } else if (char === '$') {
      const variable = readVariable(text, at, lookup, escapeChar);
      result += variable.value;
      at = variable.end - 1;
    } else if (char === quote) {
      quote = '';
    } else if (quote === '' && (char === '"' || char === "'")) {
      quote = char;
    } else {
      result += char;
    }
  }
  if (quote !== '') {
    throw invalid(
      `failed to process "${text}": unexpected end of statement while looking for matching ${quote}`,
    );
  }
  return result;
}

/** `at` is the position of `$`. */
function readVariable(
  text: string,
  at: number,
  lookup: Lookup,
  escapeChar: string,
): { value: string; end: number } {
  const plain = /^[A-Za-z_][A-Za-z0-9_]*/.exec(text.slice(at + 1))?.[0];
  if (plain !== undefined) return { value: lookup(plain) ?? '', end: at + 1 + plain.length };
  if (text[at + 1] !== '{') return { value: '$', end: at + 1 };
  let depth = 0;
  let end = at + 1;
  for (; end < text.length; end++) {
    if (text[end] === '{') depth++;
    else if (text[end] === '}' && --depth === 0) break;
  }
  const match = /^([A-Za-z_][A-Za-z0-9_]*)(?:(:?[-+?])(.*))?$/s.exec(text.slice(at + 2, end));
  if (end === text.length || match === null) {
    throw invalid(`failed to process "${text}": unsupported or unclosed substitution`);
  }
  const [, name = '', modifier = '', word = ''] = match;
  const found = lookup(name);
  const isSet = modifier.startsWith(':') ? Boolean(found) : found !== undefined;
  const instead = () => expandWord(word, lookup, escapeChar);
  let value = found ?? '';
  if (modifier.endsWith('-') && !isSet) value = instead();
  if (modifier.endsWith('+')) value = isSet ? instead() : '';
  if (modifier.endsWith('?') && !isSet) {
    throw invalid(`failed to process "${text}": ${name}: ${instead() || 'not allowed to be unset'}`);
  }
  return { value, end: end + 1 };
}
