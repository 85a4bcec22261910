import { displayWidth } from './width.ts';

/** How columns are laid out; the defaults are those of the `docker` command line's lists. */
export interface TableLayout {
  /** Least width of a column, padding included. */
  minWidth?: number;
  /** Spaces after the widest cell. */
  padding?: number;
}

/**
 * Lines whose cells are separated by tabs, with the columns aligned, as Go's `text/tabwriter` does it: a column is made
 * of neighbouring lines that have a cell there, and the last cell of a line is not padded.
 */
export function alignColumns(text: string, layout: TableLayout = {}): string {
  const { minWidth = 10, padding = 3 } = layout;
  const lines = text.split('\n').map((line) => line.split('\t'));
  const columns = Math.max(...lines.map((line) => line.length)) - 1;
  for (let column = 0; column < columns; column++) {
    for (let first = 0; first < lines.length; first++) {
      let last = first;
      while (last < lines.length && lines[last]!.length - 1 > column) last++;
      if (last === first) continue;
      const block = lines.slice(first, last);
      const width = Math.max(minWidth, ...block.map((line) => displayWidth(line[column]!) + padding));
      for (const line of block) line[column] += ' '.repeat(width - displayWidth(line[column]!));
      first = last;
    }
  }
  return lines.map((line) => line.join('')).join('\n');
}
