/** A word inside `{{ }}`. */
export interface Token {
  kind: 'field' | 'variable' | 'identifier' | 'string' | 'number' | 'char' | 'operator';
  text: string;
  /** True when white space stood before it: `.a .b` are two arguments, `.a.b` is one. */
  spaced: boolean;
}

/** A piece of a template: text to copy, or the words of an action. */
export type Piece = { text: string } | { action: Token[]; source: string; line: number; column: number };

/** A template that cannot be read. */
export class TemplateError extends Error {}

/** Cuts a template into text and actions. Throws `TemplateError` for one that is not closed. */
export function pieces(template: string): Piece[] {
  const result: Piece[] = [];
  let at = 0;
  let trimNext = false;
  while (at <= template.length) {
    const open = template.indexOf('{{', at);
    let text = open < 0 ? template.slice(at) : template.slice(at, open);
    if (trimNext) text = text.trimStart();
    if (open < 0) {
      if (text !== '') result.push({ text });
      break;
    }
    const line = template.slice(0, open).split('\n').length;
    let start = open + 2;
    if (/^-\s/.test(template.slice(start, start + 2))) {
      text = text.trimEnd();
      start++;
    }
    if (text !== '') result.push({ text });
    const close = endOfAction(template, start, line);
    let end = close;
    trimNext = /\s-$/.test(template.slice(start, close));
    if (trimNext) end--;
    const source = template.slice(start, end);
    if (!/^\s*\/\*[\s\S]*\*\/\s*$/.test(source)) {
      const column = open + 2 - (template.lastIndexOf('\n', open) + 1);
      result.push({ action: tokens(source, line), source: source.trim(), line, column });
    }
    at = close + 2;
  }
  return result;
}

/** Where the `}}` of the action that starts at `from` stands; quotes hide it. */
function endOfAction(template: string, from: number, line: number): number {
  for (let at = from; at < template.length; at++) {
    const char = template[at]!;
    if (char === '}' && template[at + 1] === '}') return at;
    if (char === '"' || char === '`' || char === "'") {
      for (at++; at < template.length && template[at] !== char; at++) {
        if (template[at] === '\\' && char !== '`') at++;
      }
    }
  }
  throw new TemplateError(`template: :${line}: unclosed action`);
}

const PATTERNS: Array<[Token['kind'], RegExp]> = [
  ['string', /^"(?:[^"\\\n]|\\.)*"|^`[^`]*`/],
  ['char', /^'(?:[^'\\\n]|\\.)'/],
  ['number', /^[+-]?(?:0[xX][\da-fA-F]+|\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+)/],
  ['variable', /^\$[\p{L}_\d]*/u],
  ['field', /^\.[\p{L}_][\p{L}_\d]*/u],
  ['identifier', /^[\p{L}_][\p{L}_\d]*/u],
  ['operator', /^(?::=|=|\||\(|\)|,|\.)/],
];

function tokens(source: string, line: number): Token[] {
  const result: Token[] = [];
  let rest = source;
  let spaced = true;
  while (rest !== '') {
    const blank = /^\s+/.exec(rest);
    if (blank) {
      rest = rest.slice(blank[0].length);
      spaced = true;
      continue;
    }
    const found = PATTERNS.map(([kind, pattern]) => ({ kind, match: pattern.exec(rest) })).find(
      ({ match }) => match !== null,
    );
    if (!found?.match) {
      const char = JSON.stringify(rest.charAt(0)).slice(1, -1);
      const what = /^["`']/.test(rest) ? 'unterminated quoted string' : `unexpected "${char}" in command`;
      throw new TemplateError(`template: :${line}: ${what}`);
    }
    const text = found.match[0];
    result.push({ kind: found.kind, text, spaced });
    rest = rest.slice(text.length);
    spaced = false;
  }
  return result;
}
