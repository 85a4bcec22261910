/** Where the headers of a frame are (Ethernet II; RFC 791, RFC 8200). Pure. */

/** `struct ethhdr`: destination, source, type */
export const ETHER = 14;
const [IPV4, IPV6] = [0x0800, 0x86dd];
const IPV4_LEAST = 20;
const IPV6_HEADER = 40;
/** Extension headers that are a next header, a length in units of 8 bytes beyond the first, and options: RFC 8200, 4.1. */
const EXTENSIONS: ReadonlySet<number> = new Set([0, 43, 60]);
const FRAGMENT_HEADER = 44;

export interface IpHeaders {
  readonly version: 4 | 6;
  readonly source: Buffer;
  readonly destination: Buffer;
  readonly ttl: number;
  /** Number of what follows; for a later fragment, of what its first one begins with. */
  readonly protocol: number;
  /** Where that begins in the frame. */
  readonly at: number;
  /** Where the packet ends in the frame, had all of it been kept. */
  readonly end: number;
  readonly fragment: { readonly offset: number; readonly more: boolean } | undefined;
}

/** Undefined for what is not IP, and for what ends within the header. */
export function ipHeaders(frame: Buffer): IpHeaders | undefined {
  const type = frame.length >= ETHER ? frame.readUInt16BE(12) : 0;
  if (type === IPV4 && frame.length >= ETHER + IPV4_LEAST) return ipv4(frame);
  if (type === IPV6 && frame.length >= ETHER + IPV6_HEADER) return ipv6(frame);
  return undefined;
}

/** TCP, UDP and SCTP begin with two ports, which only the first fragment has. */
export function portsOf(frame: Buffer, { protocol, at, fragment }: IpHeaders): [number, number] | undefined {
  const hasPorts = protocol === 6 || protocol === 17 || protocol === 132;
  if (!hasPorts || (fragment?.offset ?? 0) > 0 || frame.length < at + 4) return undefined;
  return [frame.readUInt16BE(at), frame.readUInt16BE(at + 2)];
}

function ipv4(frame: Buffer): IpHeaders {
  const place = frame.readUInt16BE(ETHER + 6);
  const [offset, more] = [(place & 0x1fff) * 8, (place & 0x2000) !== 0];
  return {
    version: 4,
    source: frame.subarray(ETHER + 12, ETHER + 16),
    destination: frame.subarray(ETHER + 16, ETHER + 20),
    ttl: frame.readUInt8(ETHER + 8),
    protocol: frame.readUInt8(ETHER + 9),
    at: ETHER + (frame.readUInt8(ETHER) & 15) * 4,
    end: ETHER + frame.readUInt16BE(ETHER + 2),
    fragment: offset > 0 || more ? { offset, more } : undefined,
  };
}

function ipv6(frame: Buffer): IpHeaders {
  let protocol = frame.readUInt8(ETHER + 6);
  let at = ETHER + IPV6_HEADER;
  let fragment: IpHeaders['fragment'];
  for (let isEnd = false; !isEnd && frame.length >= at + 8; ) {
    if (EXTENSIONS.has(protocol)) {
      protocol = frame.readUInt8(at);
      at += (frame.readUInt8(at + 1) + 1) * 8;
    } else if (protocol === FRAGMENT_HEADER) {
      const place = frame.readUInt16BE(at + 2);
      fragment = { offset: place & 0xfff8, more: (place & 1) !== 0 };
      protocol = frame.readUInt8(at);
      at += 8;
      // Behind the header of a later part come its bytes, whatever they look like.
      isEnd = fragment.offset > 0;
    } else isEnd = true;
  }
  return {
    version: 6,
    source: frame.subarray(ETHER + 8, ETHER + 24),
    destination: frame.subarray(ETHER + 24, ETHER + 40),
    ttl: frame.readUInt8(ETHER + 7),
    protocol,
    at,
    end: ETHER + IPV6_HEADER + frame.readUInt16BE(ETHER + 4),
    fragment,
  };
}
