/** Who sends a frame to whom, by name: the comment that goes with it. Pure. */

import { hostPort } from '../../base/ip.ts';
import { addressText } from '../../kernel/address.ts';
import type { AddressOwner } from '../flows/names.ts';
import { ipHeaders, portsOf } from './headers.ts';

/** `cl 172.17.0.3:5000 → web 172.17.0.2:80`; undefined for what is not IP, and when neither end has a name. */
export function describeFrame(
  frame: Buffer,
  ownerOf: (address: string) => AddressOwner | undefined,
): string | undefined {
  const headers = ipHeaders(frame);
  if (headers === undefined) return undefined;
  const ends = [addressText(headers.source), addressText(headers.destination)] as const;
  const owners = ends.map(ownerOf);
  if (owners.every((owner) => owner === undefined)) return undefined;
  const ports = portsOf(frame, headers);
  return ends
    .map((address, index) => {
      const socket = ports === undefined ? address : hostPort(address, ports[index]!);
      const owner = owners[index];
      return owner === undefined ? socket : `${owner.name} ${socket}`;
    })
    .join(' → ');
}
