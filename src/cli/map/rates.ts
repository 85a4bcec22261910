/** From two readings of counters to rates. Pure. */

import type { Traffic } from '../../base/wire/traffic.ts';
import { humanSize } from '../format/size.ts';

/** Bytes per second, as the host sees the link: what a container sends, the host's end of its pair receives. */
export interface LinkRate {
  received: number;
  sent: number;
}

/** By the kernel's number of the link. */
export type Rates = ReadonlyMap<number, LinkRate>;

/** Links that are new since have none yet. */
export function ratesBetween(before: Traffic, now: Traffic): Rates {
  const seconds = (now.time - before.time) / 1000;
  const earlier = new Map(before.links.map((link) => [link.index, link]));
  const rates = new Map<number, LinkRate>();
  for (const { index, name, rxBytes, txBytes } of now.links) {
    const first = earlier.get(index);
    // A number that another link has taken over, and counters that began anew, tell nothing.
    if (first?.name !== name || seconds <= 0 || rxBytes < first.rxBytes || txBytes < first.txBytes) continue;
    rates.set(index, {
      received: (rxBytes - first.rxBytes) / seconds,
      sent: (txBytes - first.txBytes) / seconds,
    });
  }
  return rates;
}

/** Columns of a rate, so that boxes keep their size from picture to picture: `999.9kB/s`. */
const COLUMNS = 9;

/** `▼ 1.2MB/s   ▲ 340kB/s`: received and sent, from the point of view of whoever is drawn. */
export function rateText({ received, sent }: LinkRate): string {
  const text = (rate: number) => `${humanSize(Math.round(rate))}/s`.padEnd(COLUMNS);
  return `▼ ${text(received)} ▲ ${text(sent)}`;
}

/** As the other end of the link sees it. */
export const mirrored = ({ received, sent }: LinkRate): LinkRate => ({ received: sent, sent: received });
