/** Signals by name and number (signal(7)). */

import { constants } from 'node:os';
import { invalid } from './errors.ts';

/** `SIGTERM`, `term`, `15`, `RTMIN+3` to its number. Throws `invalid` in Docker's words. */
export function parseSignal(text: string): number {
  if (/^\d+$/.test(text)) {
    const number = Number(text);
    if (number >= 1 && number <= 64) return number;
    throw invalid(`Invalid signal: ${text}`);
  }
  const name = text.toUpperCase().replace(/^SIG/, '');
  const realtime = /^RTM(IN|AX)(?:([+-])(\d+))?$/.exec(name);
  if (realtime !== null) {
    const offset = Number(realtime[3] ?? 0) * (realtime[2] === '-' ? -1 : 1);
    const number = (realtime[1] === 'IN' ? 34 : 64) + offset;
    if (number >= 34 && number <= 64) return number;
  }
  const number = constants.signals[`SIG${name}` as NodeJS.Signals];
  if (number === undefined) throw invalid(`Invalid signal: ${text}`);
  return number;
}
