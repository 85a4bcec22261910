/** Times as the Docker Engine API writes them. */

/** What Go's zero time prints: "never". */
export const ZERO_TIME = '0001-01-01T00:00:00Z';

/** Distance from the monotonic to the wall clock, in nanoseconds; renewed when the wall clock was stepped. */
let wallOffset = BigInt(Date.now()) * 1_000_000n - process.hrtime.bigint();

/** The wall clock in nanoseconds since the epoch. It has the resolution of the monotonic clock and never strays more than 5 ms from `Date.now()`. */
export function nowNanos(): bigint {
  const monotonic = process.hrtime.bigint();
  const wall = BigInt(Date.now()) * 1_000_000n;
  const strayed = wall - (monotonic + wallOffset);
  if (strayed > 5_000_000n || strayed < -5_000_000n) wallOffset = wall - monotonic;
  return monotonic + wallOffset;
}

/** RFC 3339 with nine digits: `2026-11-22T05:16:09.123456789Z`. */
export function formatNanos(nanos: bigint): string {
  const seconds = Number(nanos / 1_000_000_000n);
  const fraction = (nanos % 1_000_000_000n).toString().padStart(9, '0');
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}.${fraction}Z`;
}

export function nowString(): string {
  return formatNanos(nowNanos());
}

/** Nanoseconds since the epoch of an RFC 3339 time with any number of digits, or undefined when it is none. */
export function parseNanos(text: string): bigint | undefined {
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9})\d*)?(Z|[+-]\d\d:\d\d)$/.exec(text);
  if (match === null) return undefined;
  const milliseconds = Date.parse(`${match[1]}${match[3]}`);
  if (Number.isNaN(milliseconds)) return undefined;
  return BigInt(milliseconds) * 1_000_000n + BigInt((match[2] ?? '').padEnd(9, '0') || '0');
}
