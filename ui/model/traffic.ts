/** Rates out of counters. */

import type { Traffic } from '../../src/base/wire/index.ts';

/** Per second, as the host sees the link: `rx` is what comes from the container. */
export interface Rate {
  rxBytes: number;
  txBytes: number;
  rxPackets: number;
  txPackets: number;
  /** Packets since the link was made. */
  dropped: number;
}

/** By the names of links. A link that is new, or was made again, has no rate yet. */
export function ratesBetween(before: Traffic | undefined, now: Traffic): Map<string, Rate> {
  const rates = new Map<string, Rate>();
  const seconds = before === undefined ? 0 : (now.time - before.time) / 1000;
  // A clock that went back belongs to another daemon.
  if (before === undefined || seconds <= 0) return rates;
  const earlier = new Map(before.links.map((link) => [link.name, link]));
  for (const link of now.links) {
    const then = earlier.get(link.name);
    if (then === undefined || then.index !== link.index) continue;
    const perSecond = (key: 'rxBytes' | 'txBytes' | 'rxPackets' | 'txPackets') =>
      Math.max(0, link[key] - then[key]) / seconds;
    rates.set(link.name, {
      rxBytes: perSecond('rxBytes'),
      txBytes: perSecond('txBytes'),
      rxPackets: perSecond('rxPackets'),
      txPackets: perSecond('txPackets'),
      dropped: link.rxDropped + link.txDropped,
    });
  }
  return rates;
}

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'];

/** `0`, `830 B`, `1.2 MB`: powers of 1000. */
export function amount(bytes: number): string {
  let value = bytes;
  let unit = 0;
  // 999.5 is written as 1.0 of the next unit, not as 1000.
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  if (value < 0.5 && unit === 0) return '0';
  return `${value < 9.95 && unit > 0 ? value.toFixed(1) : Math.round(value)} ${UNITS[unit]}`;
}

/** `1.2 MB/s`; nothing for nothing. */
export function speed(bytesPerSecond: number): string {
  const text = amount(bytesPerSecond);
  return text === '0' ? '' : `${text}/s`;
}

/** Width of a wire: thicker by the same step for every tenfold. 1 when nothing moves, 5 from 1 GB/s on. */
export function wireWidth({ rxBytes, txBytes }: Pick<Rate, 'rxBytes' | 'txBytes'>): number {
  const magnitude = Math.log10(Math.max(1, rxBytes + txBytes));
  return 1 + (Math.min(magnitude, 9) / 9) * 4;
}
