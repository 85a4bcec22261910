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
  const corner = up === undefined ? '╭─ ' : `╭${'─'.repeat(up - 1)}┴─ `;
  const wanted = [
    corner.length + lineWidth(title) + 3,
    ...lines.map((line) => lineWidth(line) + 4),
    minWidth,
  ];
  const width = Math.min(Math.max(...wanted), maxWidth);
  const frame = (text: string) => span(text, role);

  const shown = clip(title, width - corner.length - 3);
  const rest = '─'.repeat(width - corner.length - lineWidth(shown) - 2);
  const top = [frame(corner), ...shown, frame(` ${rest}╮`)];
  const body = lines.map((line, index) => [
    frame(left && index === 0 ? '┤ ' : '│ '),
    ...padded(clip(line, width - 4), width - 4),
    frame(' │'),
  ]);
  const bottom = [...'─'.repeat(width - 2)];
  if (down !== undefined) bottom[down - 1] = '┬';
  return [top, ...body, [frame(`╰${bottom.join('')}╯`)]];
}
