/**
 * The address a datagram was sent to, and answering from it: a socket on `0.0.0.0` would otherwise answer from whichever
 * address the route back prefers, and the client would not know the answer for its own (ip(7), ipv6(7), RFC 3542).
 */
import { IP_PKTINFO, IPPROTO_IP, IPPROTO_IPV6, IPV6_PKTINFO } from './socket.ts';

/** `struct cmsghdr { size_t cmsg_len; int cmsg_level; int cmsg_type; }` */
const CMSG = { length: 0, level: 8, type: 12, data: 16 };
/** `struct in_pktinfo { int ipi_ifindex; struct in_addr ipi_spec_dst; struct in_addr ipi_addr; }` */
const IN_PKTINFO = { length: 12, index: 0, local: 4 };
/** `struct in6_pktinfo { struct in6_addr ipi6_addr; unsigned int ipi6_ifindex; }` */
const IN6_PKTINFO = { length: 20, address: 0, index: 16 };

/** The local address in `control` as a map key; '' when there is none. */
export function localAddressKey(control: Buffer): string {
  if (control.length < CMSG.data) return '';
  return control.readInt32LE(CMSG.level) === IPPROTO_IP
    ? control.toString('latin1', CMSG.data + IN_PKTINFO.local, CMSG.data + IN_PKTINFO.local + 4)
    : control.toString('latin1', CMSG.data, CMSG.data + 16);
}

/**
 * The control message that makes an answer leave from the address in `control` (as received); null when there is none
 * to leave from: it was multicast.
 */
export function answerFrom(control: Buffer): Buffer | null {
  if (control.length < CMSG.data) return null;
  const [level, type] = [control.readInt32LE(CMSG.level), control.readInt32LE(CMSG.type)];
  const answer = Buffer.from(control);
  if (level === IPPROTO_IP && type === IP_PKTINFO && control.length >= CMSG.data + IN_PKTINFO.length) {
    // The kernel has put an address of ours into ipi_spec_dst even for a broadcast. Which interface: as routed.
    answer.writeInt32LE(0, CMSG.data + IN_PKTINFO.index);
    return answer;
  }
  if (level === IPPROTO_IPV6 && type === IPV6_PKTINFO && control.length >= CMSG.data + IN6_PKTINFO.length) {
    const isMulticast = control[CMSG.data] === 0xff;
    const isLinkLocal = control[CMSG.data] === 0xfe && (control[CMSG.data + 1]! & 0xc0) === 0x80;
    if (isMulticast) return null;
    if (!isLinkLocal) answer.writeInt32LE(0, CMSG.data + IN6_PKTINFO.index);
    return answer;
  }
  return null;
}
