/** File modes as Go's `os.FileMode` has them, which is what the API's path stat carries. Pure. */

import { constants } from 'node:fs';

/** Go's bits (package io/fs), by the type of `st_mode` (inode(7)). */
const TYPES: ReadonlyMap<number, number> = new Map([
  [constants.S_IFDIR, 2 ** 31],
  [constants.S_IFLNK, 2 ** 27],
  [constants.S_IFBLK, 2 ** 26],
  [constants.S_IFCHR, 2 ** 26 + 2 ** 21],
  [constants.S_IFIFO, 2 ** 25],
  [constants.S_IFSOCK, 2 ** 24],
]);

/** S_ISUID, S_ISGID and S_ISVTX with theirs. */
const SPECIAL: ReadonlyArray<[number, number]> = [
  [0o4000, 2 ** 23],
  [0o2000, 2 ** 22],
  [0o1000, 2 ** 20],
];

/** @param mode `st_mode` of stat(2) */
export function goFileMode(mode: number): number {
  let bits = (mode & 0o777) + (TYPES.get(mode & constants.S_IFMT) ?? 0);
  for (const [unix, go] of SPECIAL) if ((mode & unix) !== 0) bits += go;
  return bits;
}
