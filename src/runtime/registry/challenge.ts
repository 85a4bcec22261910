/** `WWW-Authenticate`: RFC 9110, 11.6.1. */

/** `Bearer realm="…",service="…"` as `{scheme: 'bearer', parameters: {realm, service}}`; names in lower case. */
export interface Challenge {
  scheme: string;
  parameters: Record<string, string>;
}

const TOKEN = /[!#$%&'*+.^_`|~0-9A-Za-z-]+/y;
const QUOTED = /"((?:[^"\\]|\\.)*)"/y;

/**
 * Parses a header with one or more challenges. What comes after a part that cannot be read is left out, so that one odd
 * challenge does not hide those before it.
 */
export function parseChallenges(header: string): Challenge[] {
  const challenges: Challenge[] = [];
  let at = 0;
  const match = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const found = pattern.exec(header);
    if (found !== null) at = pattern.lastIndex;
    return found;
  };
  for (;;) {
    match(/[\s,]*/y);
    const word = match(TOKEN)?.[0];
    if (word === undefined) return challenges;
    // `name=` belongs to the challenge before; a word with a blank or nothing behind it starts a new one.
    if (match(/\s*=\s*/y) === null) {
      challenges.push({ scheme: word.toLowerCase(), parameters: {} });
      continue;
    }
    const quoted = match(QUOTED);
    const value = quoted === null ? match(TOKEN)?.[0] : quoted[1]!.replace(/\\(.)/g, '$1');
    const current = challenges.at(-1);
    if (value === undefined || current === undefined) return challenges;
    current.parameters[word.toLowerCase()] = value;
  }
}
