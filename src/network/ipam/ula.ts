/** IPv6 subnets for networks that name none: unique local addresses (RFC 4193). */

import { createHash } from 'node:crypto';
import { Ip } from '../../base/ip.ts';
import { Prefix } from '../../base/prefix.ts';
import type { DefaultPool } from './subnet-space.ts';

/** RFC 4193, 3.1: `fd` and a global id of 40 bits make a /48, cut into subnets of 64 bits. */
const GLOBAL_ID_BYTES = 5;
const SITE_LENGTH = 48;
const SUBNET_LENGTH = 64;

/** The host's own pool: the same for the same `seed`, and with near certainty no other host's. */
export function ulaPool(seed: string): DefaultPool {
  const bytes = new Uint8Array(16);
  bytes[0] = 0xfd;
  bytes.set(createHash('sha256').update(seed).digest().subarray(0, GLOBAL_ID_BYTES), 1);
  return { base: new Prefix(Ip.fromBytes(bytes), SITE_LENGTH), size: SUBNET_LENGTH };
}
