/** Finds the place where a text stops being JSON (RFC 8259); `JSON.parse` names it only sometimes. */

/** The offset of the first character that cannot stand where it stands, or the text's length when it ends early. */
export function findJsonFault(text: string): number | undefined {
  let at = 0;

  // Each of these moves `at` behind what it read; false means that `at` is the fault.
  const match = (pattern: RegExp): boolean => {
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    if (found !== null) at += found[0].length;
    return found !== null;
  };
  const space = () => match(/[ \t\n\r]*/y);
  const string = () => {
    if (!match(/"/y)) return false;
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what JSON forbids in strings
    while (match(/[^"\\\u0000-\u001f]+|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4}/y));
    return match(/"/y);
  };
  const series = (close: RegExp, item: () => boolean): boolean => {
    at++;
    space();
    if (match(close)) return true;
    for (;;) {
      if (!item()) return false;
      space();
      if (match(close)) return true;
      if (!match(/,/y)) return false;
      space();
    }
  };
  const member = () => string() && space() && match(/:/y) && value();
  const value = (): boolean => {
    space();
    if (text[at] === '{') return series(/\}/y, member);
    if (text[at] === '[') return series(/\]/y, value);
    if (text[at] === '"') return string();
    return match(/-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y);
  };

  const whole = value();
  space();
  return whole && at === text.length ? undefined : at;
}

/** `line 3, column 14`, counted from 1. */
export function describeOffset(text: string, offset: number): string {
  const before = text.slice(0, offset).split('\n');
  return `line ${before.length}, column ${(before.at(-1) ?? '').length + 1}`;
}
