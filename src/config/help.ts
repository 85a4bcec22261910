/** The text of `bridgeportd --help`, made from the option table. */

import type { Option } from './option.ts';
import { rows } from './table.ts';

/** Width of a terminal that nobody has widened. */
const WIDTH = 80;

export function helpText(): string {
  const options = rows()
    .map(([, option]) => option)
    .filter((option) => option.flag !== null && !option.hidden)
    .sort((a, b) => ((a.flag ?? '') < (b.flag ?? '') ? -1 : 1));
  const left = options.map(leftColumn);
  const indent = Math.max(...left.map((text) => text.length)) + 3;
  const lines = options.map((option, at) => {
    const [first = '', ...more] = wrap(rightColumn(option), Math.max(WIDTH - indent, 24));
    return [`${left[at]?.padEnd(indent)}${first}`, ...more.map((text) => ' '.repeat(indent) + text)].join(
      '\n',
    );
  });
  return [
    '',
    'Usage:  bridgeportd [OPTIONS]',
    '',
    'A container engine that speaks the Docker Engine API and explains its network.',
    '',
    'Options:',
    ...lines,
    '',
    'Options marked * are accepted for compatibility and have no effect yet.',
    '',
  ].join('\n');
}

function leftColumn(option: Option<unknown>): string {
  const short = option.short === undefined ? '    ' : `-${option.short}, `;
  return `  ${short}--${option.flag} ${option.kind.placeholder}`.trimEnd();
}

function rightColumn(option: Option<unknown>): string {
  const mark = option.built ? '' : '* ';
  return `${mark}${option.help}${defaultText(option)}`;
}

/** Defaults that say nothing are left out: false, nothing, zero; and those that the help spells out itself. */
function defaultText({ default: value, help }: Option<unknown>): string {
  if (help.includes('(default')) return '';
  if (value === true || (typeof value === 'number' && value !== 0)) return ` (default ${value})`;
  return typeof value === 'string' && value !== '' ? ` (default "${value}")` : '';
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width)
      lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
