/** What stands on a wire: how much goes over it, each way. */

import { type Rate, speed } from '../model/traffic.ts';

export interface RateLabel {
  /** On a straight wire: what the container sends above it, what it is sent below. */
  rate: string;
  /** How far below the wire the middle of `rate` is. */
  lift: number;
  /** The same in one line, for a wire with bends: it stands before its end, where wires are close to each other. */
  flat: string;
  /** How far to the right of the end the middle of `flat` is: negative. */
  beside: number;
}

export const SILENT: RateLabel = { rate: '', lift: 0, flat: '', beside: 0 };

/** Width of a letter of `flat`, and its distance from what it stands before. */
const LETTER = 5.5;
const DISTANCE = 10;

/** @param inward the far end of the wire is the one that `rx` comes from */
export function rateLabel(rate: Rate, inward: boolean): RateLabel {
  const [out, back] = inward ? [rate.rxBytes, rate.txBytes] : [rate.txBytes, rate.rxBytes];
  const [up, down] = [speed(out), speed(back)];
  if (up === '' && down === '') return SILENT;
  if (down === '') return { rate: `◂ ${up}`, lift: -9, ...flatLabel(`◂ ${up}`) };
  if (up === '') return { rate: `▸ ${down}`, lift: 9, ...flatLabel(`▸ ${down}`) };
  const [amount, unit] = up.split(' ');
  const first = down.endsWith(` ${unit}`) ? amount : up;
  return { rate: `◂ ${up}\n▸ ${down}`, lift: 0, ...flatLabel(`◂ ${first} ▸ ${down}`) };
}

function flatLabel(flat: string): Pick<RateLabel, 'flat' | 'beside'> {
  return { flat, beside: -(flat.length * LETTER) / 2 - DISTANCE };
}
