/**
 * API versions. The major number has been 1 since the beginning, so that inside the API a version is its minor number:
 * `call.version >= 42` reads "1.42 or newer".
 */

import { BridgeportError, invalid } from '../base/errors.ts';

export interface VersionRange {
  /** `1.24` */
  min: string;
  /** `1.51`; also the version of requests that name none */
  max: string;
}

/** A path with its version prefix taken off; `version` is undefined when the path is bare. */
export function splitVersion(pathname: string): { version: string | undefined; path: string } {
  const match = /^\/v([0-9.]+)(?=\/)/.exec(pathname);
  return match
    ? { version: match[1], path: pathname.slice(match[0].length) }
    : { version: undefined, path: pathname };
}

/** Compares `1.9` and `1.10` number by number, as Docker does; a missing part is 0. */
export function compareVersions(a: string, b: string): number {
  const as = a.split('.');
  const bs = b.split('.');
  for (let i = 0; i < Math.max(as.length, bs.length); i++) {
    const difference = Number(as[i] || 0) - Number(bs[i] || 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/**
 * The minor number of the version that a request is to be served with.
 *
 * @throws `invalid` in Docker's words when the version lies outside `range`
 */
export function negotiate(version: string | undefined, range: VersionRange): number {
  const wanted = version ?? range.max;
  if (compareVersions(wanted, range.min) < 0) {
    throw new VersionTooOld(wanted, range.min);
  }
  if (compareVersions(wanted, range.max) > 0) {
    throw invalid(`client version ${wanted} is too new. Maximum supported API version is ${range.max}`);
  }
  return Number(wanted.split('.')[1] ?? 0);
}

/** Clients older than 1.24 print an error's body as it is, so for them it is plain text; see `status.ts`. */
export class VersionTooOld extends BridgeportError {
  readonly plainText: boolean;

  constructor(version: string, minimum: string) {
    super(
      'invalid',
      `client version ${version} is too old. Minimum supported API version is ${minimum}, please upgrade your client to a newer version`,
    );
    this.plainText = compareVersions(version, '1.24') < 0;
  }
}
