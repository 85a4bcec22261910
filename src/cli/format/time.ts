/** How long, in words: `5 minutes`, `About an hour`, `2 weeks`. */
export function humanDuration(milliseconds: number): string {
  const seconds = Math.trunc(milliseconds / 1000);
  if (seconds < 1) return 'Less than a second';
  if (seconds === 1) return '1 second';
  if (seconds < 60) return `${seconds} seconds`;
  const minutes = Math.trunc(seconds / 60);
  if (minutes === 1) return 'About a minute';
  if (minutes < 60) return `${minutes} minutes`;
  const hours = Math.trunc(seconds / 3600 + 0.5);
  if (hours === 1) return 'About an hour';
  if (hours < 48) return `${hours} hours`;
  if (hours < 24 * 7 * 2) return `${Math.trunc(hours / 24)} days`;
  if (hours < 24 * 30 * 2) return `${Math.trunc(hours / 24 / 7)} weeks`;
  if (hours < 24 * 365 * 2) return `${Math.trunc(hours / 24 / 30)} months`;
  return `${Math.trunc(seconds / 3600 / 24 / 365)} years`;
}

/** Local time as Go's `Time.String()` writes it: `2026-11-22 05:26:13 +0000 UTC`. */
export function goTime(milliseconds: number): string {
  const date = new Date(milliseconds);
  const two = (value: number) => String(value).padStart(2, '0');
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  const clock = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  return `${day} ${clock} ${offset(date).replace(':', '')} ${zoneName(date)}`;
}

/** Local time as RFC 3339 with an offset: `2026-11-22T05:26:13+09:00`, `Z` for UTC. */
export function rfc3339(milliseconds: number): string {
  const date = new Date(milliseconds);
  const shift = -date.getTimezoneOffset() * 60_000;
  const local = new Date(milliseconds + shift).toISOString().slice(0, 19);
  return local + (shift === 0 ? 'Z' : offset(date));
}

/** `+09:00` */
function offset(date: Date): string {
  const minutes = -date.getTimezoneOffset();
  const two = (value: number) => String(value).padStart(2, '0');
  const size = Math.abs(minutes);
  return `${minutes < 0 ? '-' : '+'}${two(Math.trunc(size / 60))}:${two(size % 60)}`;
}

function zoneName(date: Date): string {
  const parts = new Intl.DateTimeFormat('en-US', { timeZoneName: 'short' }).formatToParts(date);
  return parts.find((part) => part.type === 'timeZoneName')?.value ?? 'UTC';
}

/** As `goTime`, with the fraction, of a moment in RFC 3339: `2026-11-22 05:26:13.449202022 +0000 UTC`. */
export function goTimeOf(moment: string): string {
  const milliseconds = Date.parse(moment);
  if (Number.isNaN(milliseconds)) return moment;
  const fraction = /\.(\d+)/.exec(moment)?.[1]?.replace(/0+$/, '');
  const [day, clock, ...zone] = goTime(milliseconds).split(' ');
  return [day, fraction ? `${clock}.${fraction}` : clock, ...zone].join(' ');
}
