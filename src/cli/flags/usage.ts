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
    .map((row) => row.left.padEnd(column) + wrap(row.usage, Math.max(24, width - column), ' '.repeat(column)))
    .join('\n');
}

/** Breaks `text` at spaces so that no line is longer than `width`; later lines start with `indent`. */
export function wrap(text: string, width: number, indent: string): string {
  const lines: string[] = [];
  for (const paragraph of text.split('\n')) {
    let line = '';
    for (const word of paragraph.split(' ')) {
      if (line !== '' && line.length + 1 + word.length > width) {
        lines.push(line);
        line = word;
      } else line = line === '' ? word : `${line} ${word}`;
    }
    lines.push(line);
  }
  return lines.join(`\n${indent}`);
}
