/** Nanoseconds per unit, as Go's `time.ParseDuration` spells them. */
const UNITS: Record<string, number> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  μs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
};

/**
 * Nanoseconds from a Go duration: `1h30m`, `1.5s`, `-250ms`, `0`.
 *
 * Throws an `Error` in Go's words: `time: missing unit in duration "10"`.
 */
export function duration(value: string): number {
  const quoted = JSON.stringify(value);
  const sign = value.startsWith('-') ? -1 : 1;
  let rest = value.replace(/^[+-]/, '');
  if (rest === '0') return 0;
  if (rest === '') throw new Error(`time: invalid duration ${quoted}`);
  let total = 0;
  while (rest !== '') {
    const part = /^(\d+\.?\d*|\.\d+)([^\d.]*)/.exec(rest);
    if (part === null) throw new Error(`time: invalid duration ${quoted}`);
    const unit = part[2]!;
    if (unit === '') throw new Error(`time: missing unit in duration ${quoted}`);
    const factor = UNITS[unit];
    if (factor === undefined) {
      throw new Error(`time: unknown unit ${JSON.stringify(unit)} in duration ${quoted}`);
    }
    total += Number(part[1]) * factor;
    rest = rest.slice(part[0].length);
  }
  return sign * Math.round(total);
}
