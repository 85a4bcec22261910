/** Addresses of the host that ports are bound to. Pure. */

import { isIp } from '../../base/ip.ts';

/** True for an address that stands for all of its family; the empty one is all of both. */
export function isWildcard(ip: string): boolean {
  return ip === '' || ip === '0.0.0.0' || ip === '::';
}

/** Whether a port cannot be bound to both: they are the same address, or one stands for the other too. */
export function addressesMeet(a: string, b: string): boolean {
  if (a === '' || b === '' || a === b) return true;
  return isIp(a, 6) === isIp(b, 6) && (isWildcard(a) || isWildcard(b));
}
