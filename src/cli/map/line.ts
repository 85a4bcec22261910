import { displayWidth } from '../format/width.ts';

/** What a piece of the picture is, which decides its colour. */
export type Role = 'plain' | 'wire' | 'dim' | 'world' | 'bridge' | 'running' | 'stopped' | 'port' | 'link';

/** A piece of text in one colour. */
export interface Span {
  text: string;
  role: Role;
}

/** One line of the picture; colours are kept apart from text, so that widths are those of what is seen. */
export type Line = readonly Span[];

/** SGR parameters (ECMA-48) per role. */
const COLOURS: Record<Role, string> = {
  plain: '',
  wire: '2',
  dim: '2',
  world: '1;34',
  bridge: '1;36',
  running: '1;32',
  stopped: '2',
  port: '33',
  link: '35',
};

export const span = (text: string, role: Role = 'plain'): Span => ({ text, role });

/** Columns a line takes. */
export function lineWidth(line: Line): number {
  return line.reduce((sum, { text }) => sum + displayWidth(text), 0);
}

/** The line cut to `width` columns, with `…` where it was cut. */
export function clip(line: Line, width: number): Line {
  if (lineWidth(line) <= width) return line;
  const result: Span[] = [];
  let left = width - 1;
  for (const { text, role } of line) {
    let kept = '';
    for (const char of text) {
      left -= displayWidth(char);
      if (left < 0) {
        result.push({ text: `${kept}…`, role });
        return result;
      }
      kept += char;
    }
    result.push({ text, role });
  }
  return result;
}

/** The line followed by spaces up to `width` columns. */
export function padded(line: Line, width: number): Line {
  return [...line, span(' '.repeat(Math.max(0, width - lineWidth(line))))];
}

/** The line as text, without spaces at its end; `color` adds escape sequences. */
export function rendered(line: Line, color: boolean): string {
  if (!color)
    return line
      .map(({ text }) => text)
      .join('')
      .trimEnd();
  return line
    .map(({ text, role }) => {
      const code = COLOURS[role];
      return code === '' || text.trim() === '' ? text : `\x1b[${code}m${text}\x1b[0m`;
    })
    .join('')
    .trimEnd();
}

/** Rows of cells with every column as wide as its widest cell, `gap` spaces between. */
export function aligned(rows: readonly (readonly Line[])[], gap = 3): Line[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [column, cell] of row.entries()) {
      widths[column] = Math.max(widths[column] ?? 0, lineWidth(cell));
    }
  }
  return rows.map((row) =>
    row.flatMap((cell, column) =>
      column === row.length - 1 ? [...cell] : [...padded(cell, widths[column]! + gap)],
    ),
  );
}
