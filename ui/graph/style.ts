/** How the picture looks. Colours are those of the page's style sheet, so that there is one place for them. */

import type { StylesheetJson } from '../vendor/cytoscape.mjs';

/** Names of the custom properties that the picture uses: `--ink` and so on. */
const COLOURS = [
  'ground',
  'host',
  'rack',
  'box',
  'line',
  'ink',
  'soft',
  'faint',
  'accent',
  'good',
  'bad',
  'warn',
  'hue-0',
  'hue-1',
  'hue-2',
  'hue-3',
  'hue-4',
  'hue-5',
  'hue-6',
  'hue-7',
] as const;

export type Palette = Record<(typeof COLOURS)[number], string>;

export const HUES = 8;

export function readPalette(): Palette {
  const style = getComputedStyle(document.documentElement);
  const entries = COLOURS.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]);
  return Object.fromEntries(entries) as Palette;
}

const SANS = 'system-ui, "Noto Sans KR", "Noto Sans CJK KR", "NanumGothic", sans-serif';
const MONO = 'ui-monospace, "DejaVu Sans Mono", "NanumGothicCoding", monospace';

/** Below this size in pixels, words are no words. */
const SMALLEST = 5;
/** The same for rates, which are digits, and change. */
const SMALLEST_RATE = 7;

export function styleSheet(palette: Palette): StylesheetJson {
  const hue = (element: { data(name: string): unknown }) =>
    palette[`hue-${Number(element.data('hue'))}` as keyof Palette];
  const rules: StylesheetJson = [
    {
      selector: 'node',
      style: {
        shape: 'round-rectangle',
        width: 'data(width)',
        height: 'data(height)',
        'background-color': palette.box,
        'border-width': 1,
        'border-color': palette.line,
        color: palette.ink,
        'font-family': SANS,
        'font-size': 12,
        'min-zoomed-font-size': SMALLEST,
        'overlay-opacity': 0,
        // Wires run above the frames that they are in, and below what they end at.
        'z-index-compare': 'manual',
        'z-index': 4,
      },
    },
    { selector: '[label]', style: { label: 'data(label)' } },
    {
      selector: '.world',
      style: {
        shape: 'ellipse',
        'text-valign': 'center',
        'font-weight': 600,
        'background-color': palette.ground,
        'border-color': palette.soft,
      },
    },
    {
      selector: '.host',
      style: { 'z-index': 0, 'background-color': palette.host, 'border-color': palette.line },
    },
    { selector: '.nic', style: { 'border-color': palette.soft } },
    {
      selector: '.wall',
      style: {
        'text-valign': 'center',
        'text-wrap': 'wrap',
        'line-height': 1.35,
        'font-size': 11,
        'border-color': palette.soft,
        'border-style': 'double',
        'border-width': 3,
      },
    },
    { selector: '.rack', style: { 'z-index': 1, 'background-color': palette.rack, 'border-color': hue } },
    { selector: '.rack.internal', style: { 'border-style': 'dashed' } },
    { selector: '.bar', style: { 'background-color': hue, 'border-width': 0 } },
    {
      selector: '.bar.down, .nic.down, .wall.shut',
      style: { 'border-color': palette.bad, 'border-width': 2 },
    },
    { selector: '.box.stopped', style: { 'border-style': 'dashed', 'background-opacity': 0.35 } },
    {
      selector: '.dot',
      style: { shape: 'ellipse', 'background-color': palette.good, 'border-width': 0, events: 'no' },
    },
    { selector: '.dot.paused', style: { 'background-color': palette.warn } },
    {
      selector: '.dot.stopped',
      style: { 'background-color': palette.box, 'border-width': 1.5, 'border-color': palette.faint },
    },
    { selector: '.eth', style: { shape: 'rectangle', 'background-color': hue, 'border-width': 0 } },
    {
      selector: '.eth.bare',
      style: { 'background-color': palette.box, 'border-width': 1, 'border-color': palette.faint },
    },
    {
      selector: '.text',
      style: {
        'background-opacity': 0,
        'border-width': 0,
        'text-halign': 'right',
        'text-valign': 'center',
        'text-justification': 'left',
        events: 'no',
      },
    },
    { selector: '.text[room > 0]', style: { 'text-wrap': 'ellipsis', 'text-max-width': 'data(room)' } },
    { selector: '.title', style: { 'font-size': 15, 'font-weight': 600 } },
    { selector: '.name', style: { 'font-size': 12.5, 'font-weight': 600 } },
    { selector: '.mono', style: { 'font-family': MONO, 'font-size': 10, color: palette.soft } },
    { selector: '.port', style: { 'font-family': MONO, 'font-size': 10, color: palette.accent } },
    // From afar only names are words, and they take the place of the rest.
    { selector: '.far.of-rack', style: { 'font-size': 20, 'text-margin-y': 6 } },
    { selector: '.far.of-box, .far.world', style: { 'font-size': 19 } },
    { selector: '.far.of-box', style: { 'text-margin-y': 6 } },
    { selector: '.far.wall', style: { label: 'data(brief)', 'font-size': 18 } },
    { selector: '.farther.of-rack', style: { 'font-size': 36, 'text-margin-y': 8 } },
    { selector: '.farther.of-box', style: { 'font-size': 27, 'text-margin-y': 8 } },
    { selector: '.farther.world', style: { 'font-size': 24 } },
    { selector: '.farther.wall', style: { 'font-size': 21 } },
    { selector: '.farthest.of-rack', style: { 'font-size': 52, 'text-margin-y': 8 } },
    { selector: '.far.mono, .far.port, .farthest.of-box', style: { label: '' } },
    { selector: '.text.stopped', style: { color: palette.faint } },
    {
      selector: 'edge',
      style: {
        width: 'data(thickness)',
        'line-color': palette.faint,
        'curve-style': 'straight',
        'source-endpoint': 'data(from)',
        'target-endpoint': 'data(to)',
        label: 'data(rate)',
        'text-margin-y': 'data(lift)' as unknown as number,
        'font-family': MONO,
        'font-size': 10.5,
        'min-zoomed-font-size': SMALLEST_RATE,
        color: palette.ink,
        'text-wrap': 'wrap',
        'line-height': 1.9,
        'overlay-opacity': 0,
        'z-index-compare': 'manual',
        'z-index': 3,
      },
    },
    { selector: '.wire, .way.net', style: { 'line-color': hue } },
    { selector: '.way', style: { 'line-opacity': 0.7 } },
    // Its way has bends, and no place for words; they are in the details.
    { selector: '.way.net', style: { label: '' } },
    {
      selector: '.bent',
      style: {
        'curve-style': 'round-segments',
        'segment-distances': 'data(distances)',
        'segment-weights': 'data(weights)',
        'segment-radii': [8],
        // Its types do not know this value.
        'edge-distances': 'endpoints' as 'intersection',
      },
    },
    // Words may stand on a bend, or on another wire.
    {
      selector: '.bent, .loose',
      style: { 'text-background-color': palette.host, 'text-background-opacity': 0.85 },
    },
    // In the middle of its way it passes other boxes: its words stand before its own.
    {
      selector: '.loose',
      style: {
        label: '',
        'font-size': 9,
        'target-label': 'data(flat)',
        'target-text-offset': 1,
        'target-text-margin-x': 'data(beside)' as unknown as number,
      },
    },
    { selector: 'edge.far', style: { 'font-size': 13 } },
    { selector: '.loose.far', style: { 'target-label': '' } },
    {
      selector: '.chosen',
      style: { 'border-color': palette.accent, 'border-width': 2.5, 'border-style': 'solid' },
    },
    { selector: 'edge.chosen', style: { 'line-color': palette.accent, 'line-opacity': 1 } },
    // It is looked for from afar too.
    { selector: '.farther.chosen', style: { 'border-width': 6 } },
    { selector: '.farthest.chosen', style: { 'border-width': 12 } },
    { selector: 'edge.farther.chosen', style: { width: 6 } },
    { selector: '.unmatched', style: { opacity: 0.25 } },
    { selector: '.off-path', style: { opacity: 0.22 } },
    {
      selector: 'node.path',
      style: { 'border-color': palette.good, 'border-width': 2.5, 'border-style': 'solid' },
    },
    {
      selector: 'edge.path',
      style: {
        'line-color': palette.good,
        'line-opacity': 1,
        width: 4,
      },
    },
    { selector: 'node.path.missed', style: { 'border-color': palette.soft, 'border-style': 'dashed' } },
    { selector: 'node.path.unknown', style: { 'border-color': palette.warn, 'border-style': 'dashed' } },
    { selector: 'edge.path.unknown', style: { 'line-color': palette.warn, 'line-style': 'dashed' } },
    {
      selector: 'node.failing',
      style: { 'border-color': palette.bad, 'border-width': 4, 'border-style': 'solid' },
    },
    { selector: 'edge.failing', style: { 'line-color': palette.bad, 'line-opacity': 1, width: 4 } },
  ];
  return rules;
}
