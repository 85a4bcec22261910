/** One measurement as a picture (SVG): a pair of bars for each series, with the spread and every single reading. Pure. */

import { type MeasureReport, quantity, type Report } from '../report.ts';
import type { SideName } from '../sides/side.ts';

type Found = MeasureReport['series'][number];

const WIDTH = 760;
const MARGIN = 16;
/** Where bars begin and end; values are written beyond. */
const BARS = { left: 132, right: 560 };
const HEAD = 30;
const BAR = { height: 16, gap: 6 };
const SERIES_GAP = 18;
const SIDES: readonly SideName[] = ['ours', 'peer'];

/** Colours of a light and of a dark page; the page itself shows through. */
const STYLE = `
  text { font: 13px system-ui, sans-serif; fill: #24292f }
  .label { font-weight: 600 } .faint { fill: #656d76 } .value { font-variant-numeric: tabular-nums }
  .ours { fill: #2f7d6b } .peer { fill: #a9b1ba } .axis { stroke: #d0d7de }
  .spread { stroke: #24292f; stroke-width: 1.5 } .reading { fill: #24292f; fill-opacity: .45 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .faint { fill: #9198a1 } .ours { fill: #3fa58d } .peer { fill: #6e7681 }
    .axis { stroke: #3d444d } .spread { stroke: #e6edf3 } .reading { fill: #e6edf3 }
  }`;

export function chart({ claim, series }: MeasureReport, sides: Report['sides']): string {
  const parts: string[] = [];
  let top = MARGIN;
  for (const one of series) {
    const drawn = drawSeries(one, sides, top);
    parts.push(drawn.svg);
    top += drawn.height + SERIES_GAP;
  }
  const height = top - SERIES_GAP + MARGIN;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img">
<title>${escaped(claim)}</title>
<style>${STYLE}
</style>
${parts.join('\n')}
</svg>
`;
}

function drawSeries({ label, unit, readings, summary, ratio }: Found, sides: Report['sides'], top: number) {
  const present = SIDES.filter((side) => summary[side] !== undefined);
  const most = Math.max(...present.map((side) => summary[side]?.max ?? 0)) || 1;
  const x = (value: number) => round(BARS.left + (value / most) * (BARS.right - BARS.left));
  const height = HEAD + present.length * (BAR.height + BAR.gap) - BAR.gap;
  const parts = [text(MARGIN, top + 13, label, 'label')];
  if (ratio !== undefined) {
    parts.push(text(WIDTH - MARGIN, top + 13, `${times(ratio)} ${sides.peer ?? 'peer'}`, 'faint', 'end'));
  }
  parts.push(
    `<line class="axis" x1="${BARS.left}" x2="${BARS.left}" y1="${top + HEAD - 5}" y2="${top + height + 5}"/>`,
  );
  present.forEach((side, row) => {
    const found = summary[side];
    if (found === undefined) return;
    const y = top + HEAD + row * (BAR.height + BAR.gap);
    const middle = y + BAR.height / 2;
    parts.push(
      text(BARS.left - 8, middle + 4, sides[side] ?? side, 'faint', 'end'),
      `<rect class="${side}" x="${BARS.left}" y="${y}" width="${round(x(found.median) - BARS.left)}" height="${BAR.height}" rx="2"/>`,
      ...(readings[side] ?? []).map(
        (value) => `<circle class="reading" cx="${x(value)}" cy="${middle}" r="2"/>`,
      ),
      `<line class="spread" x1="${x(found.min)}" x2="${x(found.max)}" y1="${middle}" y2="${middle}"/>`,
      text(BARS.right + 12, middle + 4, quantity(found.median, unit), 'value'),
    );
  });
  return { svg: parts.join('\n'), height };
}

/** `0.35 ×`, `12 ×`, `0.004 ×`. */
function times(ratio: number): string {
  return `${ratio >= 10 ? ratio.toFixed(0) : ratio >= 0.1 ? ratio.toFixed(2) : ratio.toPrecision(1)} ×`;
}

function text(x: number, y: number, words: string, kind: string, anchor = 'start'): string {
  return `<text class="${kind}" x="${x}" y="${y}" text-anchor="${anchor}">${escaped(words)}</text>`;
}

function escaped(words: string): string {
  return words.replace(/[&<>]/g, (sign) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[sign] ?? sign);
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
