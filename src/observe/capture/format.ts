/** What a capture is written as: pcapng for Wireshark, or JSON values a line each. Pure. */

import { formatNanos } from '../../base/time.ts';
import type { CapturedPacket, CaptureNotice } from '../../base/wire/index.ts';
import type { AddressOwner } from '../flows/names.ts';
import { decodeFrame } from './decode.ts';
import { describeFrame } from './describe.ts';
import {
  interfaceBlock,
  namesBlock,
  type PacketFields,
  packetBlock,
  sectionBlock,
  statisticsBlock,
} from './pcapng.ts';

export type CaptureFormatName = 'pcapng' | 'json';

/** An interface on which frames are seen. */
export interface SeenInterface {
  /** A container's name, or `host`. */
  readonly where: string;
  readonly link: string;
  /** Bytes that are kept of a frame. */
  readonly snapLength: number;
}

/** A frame; its interface is told by a number, from 0 in the order in which they were announced. */
export type SeenFrame = Omit<PacketFields, 'comment'>;

export interface Losses {
  /** One of those whose frames may be among the lost. */
  readonly interface: number;
  /** Nanoseconds since 1970. */
  readonly time: bigint;
  /** Since the last time that losses were told, and since the beginning. */
  readonly lost: number;
  readonly total: number;
}

/** Each gives what is to be written, or nothing. */
export interface CaptureFormat {
  /** Bytes that are kept of each frame, unless somebody asks for others. */
  readonly snapLength: number;
  begin(target: string, names: ReadonlyArray<{ bytes: Uint8Array; name: string }>): Buffer[];
  interface(seen: SeenInterface): Buffer[];
  packet(frame: SeenFrame): Buffer;
  losses(losses: Losses): Buffer;
}

type OwnerOf = (address: string) => AddressOwner | undefined;

export const CAPTURE_FORMATS: Readonly<Record<CaptureFormatName, (ownerOf: OwnerOf) => CaptureFormat>> = {
  pcapng: pcapngFormat,
  json: jsonFormat,
};

function pcapngFormat(ownerOf: OwnerOf): CaptureFormat {
  return {
    snapLength: 262_144,
    begin: (target, names) => [
      sectionBlock({ program: 'bridgeport', os: 'Linux', comment: `capture of ${target}` }),
      namesBlock(names),
    ],
    interface: ({ where, link, snapLength }) => [
      interfaceBlock({ name: `${where}:${link}`, description: `${link} of ${where}`, snapLength }),
    ],
    packet: (frame) => packetBlock({ ...frame, comment: describeFrame(frame.data, ownerOf) }),
    losses: ({ interface: number, time, total }) =>
      statisticsBlock({ interface: number, time, dropped: total }),
  };
}

function jsonFormat(ownerOf: OwnerOf): CaptureFormat {
  const interfaces: SeenInterface[] = [];
  const line = (value: CapturedPacket | CaptureNotice) => Buffer.from(`${JSON.stringify(value)}\n`);
  return {
    // Every header that is told, with the longest options of IPv4 and TCP, or with extension headers of IPv6.
    snapLength: 256,
    begin: () => [],
    interface(seen) {
      interfaces.push(seen);
      return [];
    },
    packet({ interface: number, time, data, length, direction }) {
      const { where = '', link = '' } = interfaces[number] ?? {};
      return line({
        event: 'packet',
        time: formatNanos(time),
        where,
        link,
        direction,
        length,
        ...decodeFrame(data, ownerOf),
      });
    },
    losses: ({ time, lost }) =>
      line({ event: 'notice', time: formatNanos(time), what: 'lost', packets: lost }),
  };
}
