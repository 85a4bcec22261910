/** Powers of 1024 by the first letter of the unit, as Docker's `RAMInBytes` reads them. */
const BINARY: Record<string, number> = {
  k: 1024,
  m: 1024 ** 2,
  g: 1024 ** 3,
  t: 1024 ** 4,
  p: 1024 ** 5,
};

/**
 * Bytes from a size people write: `64`, `64b`, `64k`, `64KB`, `64KiB`, `1.5 g`. Units are powers of 1024 and
 * case does not matter.
 *
 * Throws an `Error` quoting the text or its suffix.
 */
export function ramInBytes(size: string): number {
  const number = /^[\s\S]*[0-9. ]/.exec(size)?.[0];
  if (number === undefined) throw new Error(`invalid size: '${size}'`);
  const digits = number.endsWith(' ') ? number.slice(0, -1) : number;
  const suffix = size.slice(number.length).toLowerCase();
  if (!/^[+-]?(\d+\.?\d*|\.\d+)$/.test(digits)) {
    throw new Error(`strconv.ParseFloat: parsing ${JSON.stringify(digits)}: invalid syntax`);
  }
  const value = Number(digits);
  if (value < 0) throw new Error(`invalid size: '${size}'`);
  if (suffix === '' || suffix === 'b') return Math.trunc(value);
  const factor = BINARY[suffix.charAt(0)];
  if (factor === undefined || !['', 'b', 'ib'].includes(suffix.slice(1))) {
    throw new Error(`invalid suffix: '${suffix}'`);
  }
  return Math.trunc(value * factor);
}

/** Like `ramInBytes`, but `-1` is allowed and means "no limit". */
export function memorySwap(size: string): number {
  return size === '-1' ? -1 : ramInBytes(size);
}
