/** Words for a shell (sh(1), "Quoting"). */

/** A word as a shell takes it for one word, and nothing in it for more than letters. */
export function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** A command line of these words. */
export const shellCommand = (...words: readonly string[]): string => words.map(shellWord).join(' ');
