/** Identifiers of containers, networks, endpoints and execs, and the kernel names that are made from them. */

import { randomBytes } from 'node:crypto';
import { invalid } from './errors.ts';

/** Longest name of a network interface: `#define IFNAMSIZ 16` (linux/if.h), less the closing NUL. */
export const MAX_IFNAME_LENGTH = 15;

const FULL_ID = /^[0-9a-f]{64}$/;
const ONLY_DIGITS = /^[0-9]+$/;

/**
 * 64 random hex digits. One whose short form is all decimal digits is thrown back: a container's short id is its
 * hostname, and tools read such a hostname as a number.
 */
export function newId(random: (size: number) => Buffer = randomBytes): string {
  for (;;) {
    const id = random(32).toString('hex');
    if (!ONLY_DIGITS.test(shortId(id))) return id;
  }
}

/** The first 12 digits, which `docker ps` shows. A digest's algorithm (`sha256:`) is left out. */
export function shortId(id: string): string {
  return id.slice(id.indexOf(':') + 1).slice(0, 12);
}

/** True for a full id: 64 lower-case hex digits. */
export function isId(text: string): boolean {
  return FULL_ID.test(text);
}

/** True for what may be the beginning of an id, or a whole one. */
export function isIdPrefix(text: string): boolean {
  return /^[0-9a-f]{1,64}$/.test(text);
}

/**
 * The host-side name of an endpoint's veth: `veth` and seven hex digits of the endpoint's id. Docker takes random
 * digits; taking them from the id makes the name the same after every restart and findable from `inspect`.
 * `attempt` > 0 takes the next seven digits, for the day two ids begin alike.
 */
export function hostVethName(endpointId: string, attempt = 0): string {
  const digits = sliceOfId(endpointId, 7, attempt);
  return `veth${digits}`;
}

/** The bridge of a user-defined network: `br-` and the 12 digits of its short id. */
export function bridgeName(networkId: string): string {
  return `br-${sliceOfId(networkId, 12, 0)}`;
}

/** The parent of a macvlan or ipvlan network that names none: `dm-` and the 12 digits of the network's short id. */
export function dummyName(networkId: string): string {
  return `dm-${sliceOfId(networkId, 12, 0)}`;
}

function sliceOfId(id: string, length: number, attempt: number): string {
  const digits = id.slice(attempt * length, (attempt + 1) * length);
  if (digits.length < length || !isIdPrefix(digits)) {
    throw invalid(
      `name an interface after ${JSON.stringify(id)}: no ${length} hex digits at ${attempt * length}`,
    );
  }
  return digits;
}
