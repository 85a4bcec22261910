/** Sending a whole Ethernet frame out of an interface: packet(7). */
import { check, libc } from './ffi/libc.ts';
import { type NetnsHandle, withNetns } from './netns/index.ts';

/** `#define AF_PACKET 17`, `SOCK_RAW = 3`, `SOCK_CLOEXEC = 02000000` */
const AF_PACKET = 17;
const SOCK_RAW_CLOEXEC = 3 | 0o2000000;
/**
 * `struct sockaddr_ll { u16 family, be16 protocol, s32 ifindex, u16 hatype, u8 pkttype, u8 halen, u8 addr[8] }` (linux/if_packet.h).
 * For a whole frame only the interface counts.
 */
const SOCKADDR_LL_LENGTH = 20;

/**
 * Sends frames, header included, out of an interface of `netns`. The socket is open for the length of the call only and receives
 * nothing (protocol 0).
 *
 * @throws errno ENETDOWN when the interface is down, ENXIO when there is none
 */
export function sendFrames(netns: NetnsHandle, link: number, frames: readonly Uint8Array[]): void {
  const sockaddr = Buffer.alloc(SOCKADDR_LL_LENGTH);
  sockaddr.writeUInt16LE(AF_PACKET, 0);
  sockaddr.writeInt32LE(link, 4);
  const action = () => `send a frame out of interface ${link} in ${netns.path}`;
  const fd = withNetns(netns, () => check(libc().socket(AF_PACKET, SOCK_RAW_CLOEXEC, 0), action));
  try {
    for (const frame of frames) {
      check(libc().sendto(fd, frame, frame.length, 0, sockaddr, sockaddr.length), action);
    }
  } finally {
    libc().close(fd);
  }
}
