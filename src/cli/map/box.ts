import { clip, type Line, lineWidth, padded, type Role, span } from './line.ts';

/** A frame with a title in its upper edge. */
export interface Box {
  title: Line;
  lines: readonly Line[];
  /** Colour of the frame. */
  role: Role;
  /** Column (from the frame's left edge) where a wire leaves downwards; none when left out. */
  down?: number;
  /** Column where a wire comes in from above. */
  up?: number;
  /** A wire comes in from the left, at the first line. */
  left?: boolean;
  /** Widest it may become, edges included; longer lines are cut. */
  maxWidth: number;
  /** Narrowest, edges included. */
  minWidth?: number;
}

/** Draws a box; every line returned is equally wide. */
export function drawBox(box: Box): Line[] {
  const { title, lines, role, down, up, left, maxWidth, minWidth = 0 } = box;
  const wanted = Math.max(minWidth, lineWidth(title) + 6, ...lines.map((line) => lineWidth(line) + 4));
  const width = Math.min(wanted, maxWidth);
  const inner = width - 4;
  const frame = (text: string) => span(text, role);

  const shown = clip(title, inner - 2);
  const top = [frame('╭─ '), ...shown, frame(` ${'─'.repeat(Math.max(0, width - lineWidth(shown) - 5))}╮`)];
  const body = lines.map((line, index) => [
    frame(left && index === 0 ? '┤ ' : '│ '),
    ...padded(clip(line, inner), inner),
    frame(' │'),
  ]);
  const bottom = [...'─'.repeat(width - 2)];
  if (down !== undefined) bottom[down - 1] = '┬';
  return [up === undefined ? top : entered(top, up), ...body, [frame(`╰${bottom.join('')}╯`)]];
}

/** Marks where a wire comes in from above, which is left of the title. */
function entered(top: Line, column: number): Line {
  const [first, ...rest] = top;
  const edge = [...`╭${'─'.repeat(column + 2)} `];
  edge[column] = '┴';
  const [last] = rest.slice(-1);
  const shorter = last!.text.replace('─'.repeat(column), '');
  return [{ ...first!, text: edge.join('') }, ...rest.slice(0, -1), { ...last!, text: shorter }];
}
