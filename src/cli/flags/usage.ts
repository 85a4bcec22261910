import type { FlagSet } from './flag.ts';

/**
 * The `Options:` lines of a help text, sorted by name, wrapped to `width` columns with the second column aligned.
 * Empty when every flag is hidden.
 */
export function flagUsages(flags: FlagSet, width: number): string {
  const rows = Object.entries(flags)
    .filter(([, flag]) => !flag.hidden)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, flag]) => {
      const short = flag.short ? `-${flag.short}, ` : '    ';
      const type = flag.type === '' ? '' : ` ${flag.type}`;
      const usage =
        flag.shownDefault === undefined ? flag.usage : `${flag.usage} (default ${flag.shownDefault})`;
      return { left: `  ${short}--${name}${type}`, usage };
    });
  const column = Math.max(0, ...rows.map((row) => row.left.length)) + 3;
  return rows
    .map(
      (row) =>
        row.left.padEnd(column) + wrap(row.usage, Math.max(24, width - 1 - column), ' '.repeat(column)),
    )
    .join('\n');
}

/** Columns that the last words of a text may use beyond where lines are broken, rather than stand alone. */
const SLOP = 5;

/** Breaks `text` at spaces into lines of at most `width` columns; later lines start with `indent`. */
export function wrap(text: string, width: number, indent: string): string {
  const lines: string[] = [];
  for (const paragraph of text.split('\n')) {
    let rest = paragraph;
    while (rest.length >= width) {
      const space = rest.lastIndexOf(' ', width - SLOP - 1);
      if (space <= 0) break;
      lines.push(rest.slice(0, space));
      rest = rest.slice(space + 1);
    }
    lines.push(rest);
  }
  return lines.join(`\n${indent}`);
}
