const DECIMAL = ['B', 'kB', 'MB', 'GB', 'TB', 'PB', 'EB', 'ZB', 'YB'];
const BINARY = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB', 'ZiB', 'YiB'];

/** A size in powers of 1000 with `digits` significant digits: `4.26MB`. */
export function humanSize(bytes: number, digits = 4): string {
  return scaled(bytes, 1000, DECIMAL, digits);
}

/** A size in powers of 1024 with four significant digits: `15.62GiB`. */
export function binarySize(bytes: number): string {
  return scaled(bytes, 1024, BINARY, 4);
}

function scaled(bytes: number, base: number, units: string[], digits: number): string {
  let size = bytes;
  let unit = 0;
  while (size >= base && unit < units.length - 1) {
    size /= base;
    unit++;
  }
  return `${significant(size, digits)}${units[unit]}`;
}

/** `digits` significant digits as Go's `%.4g` gives them: 15.625 is halfway, and goes to the even 15.62. */
function significant(value: number, digits: number): number {
  const exact = value.toPrecision(60);
  const figures = exact.replace('.', '');
  const halfway = /^50*$/.test(figures.slice(digits)) && !exact.includes('e');
  const even = Number(figures[digits - 1]) % 2 === 0;
  if (!halfway || !even) return Number(value.toPrecision(digits));
  const point = exact.indexOf('.');
  return Number(exact.slice(0, point < digits ? digits + 1 : digits));
}
