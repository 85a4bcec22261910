import { duration } from './duration.ts';

/**
 * The API's form (`seconds.nanoseconds` since 1970) of a moment people write: seconds since 1970, a date or time
 * (`2026-01-02`, `2026-01-02T13:23:37Z`; local where no zone is given), or how long ago (`42m`). Empty stays empty.
 *
 * Throws an `Error` naming the flag and quoting the text.
 */
export function timestamp(value: string, now: number, flag: string): string {
  if (value === '') return '';
  if (/^\d+(\.\d+)?$/.test(value)) return value;
  try {
    return seconds(now - duration(value) / 1e6);
  } catch {
    // Not a duration: a date, then.
  }
  // Hours alone are not ISO to JavaScript; a date alone would be read as UTC.
  const filled = value.replace(/T(\d\d)$/, 'T$1:00').replace(/^(\d{4}-\d\d-\d\d)$/, '$1T00:00');
  const zoned = filled.replace(/^(\d{4}-\d\d-\d\d)(Z|[+-]\d\d:\d\d)$/, '$1T00:00$2');
  const milliseconds = /^\d{4}-\d\d-\d\dT/.test(zoned) ? Date.parse(zoned) : Number.NaN;
  if (Number.isNaN(milliseconds)) {
    throw new Error(
      `invalid value for ${JSON.stringify(flag)}: failed to parse value as time or duration: ${JSON.stringify(value)}`,
    );
  }
  // JavaScript keeps milliseconds; the digits behind them are in the text.
  const fraction = /\.(\d+)/.exec(value)?.[1];
  const whole = Math.floor(milliseconds / 1000);
  return fraction === undefined ? seconds(milliseconds) : `${whole}.${fraction.slice(0, 9).padEnd(9, '0')}`;
}

function seconds(milliseconds: number): string {
  const whole = Math.floor(milliseconds / 1000);
  const nanoseconds = Math.round((milliseconds - whole * 1000) * 1e6);
  return `${whole}.${String(nanoseconds).padStart(9, '0')}`;
}
