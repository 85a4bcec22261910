/** Sending whole Ethernet frames out of an interface: packet(7). */
import { callAsync, check, libc } from '../ffi/libc.ts';
import { type NetnsHandle, withNetns } from '../netns/index.ts';

/** `#define AF_PACKET 17`, `SOCK_RAW = 3`, `SOCK_CLOEXEC = 02000000` */
const AF_PACKET = 17;
const SOCK_RAW_CLOEXEC = 3 | 0o2000000;
/**
 * `struct sockaddr_ll { u16 family, be16 protocol, s32 ifindex, u16 hatype, u8 pkttype, u8 halen, u8 addr[8] }` (linux/if_packet.h).
 * For a whole frame only the interface counts.
 */
const SOCKADDR_LL_LENGTH = 20;

/** Sends out of the interfaces of one namespace, which it keeps alive. It receives nothing (protocol 0). */
export interface FrameSender extends Disposable {
  /**
   * Sends a frame, header included.
   *
   * @param link index of the interface
   * @throws errno ENETDOWN when the interface is down, ENXIO when there is none
   */
  send(link: number, frame: Uint8Array): void;
  /** Idempotent. */
  close(): void;
}

/**
 * Packet sockets that are closed one after the other on a thread of the pool: close(2) waits for an RCU grace period, 5 to 50 ms
 * (packet_release() in net/packet/af_packet.c), and many at a time would hold all threads.
 */
export class FrameSenders {
  #closing: Promise<unknown> = Promise.resolve();

  open(netns: NetnsHandle): FrameSender {
    const fd = withNetns(netns, () =>
      check(libc().socket(AF_PACKET, SOCK_RAW_CLOEXEC, 0), () => `open a packet socket in ${netns.path}`),
    );
    let open = true;
    const close = () => {
      if (!open) return;
      open = false;
      this.#closing = this.#closing.then(() => callAsync(libc().close, fd));
    };
    return {
      send(link, frame) {
        const sockaddr = Buffer.alloc(SOCKADDR_LL_LENGTH);
        sockaddr.writeUInt16LE(AF_PACKET, 0);
        sockaddr.writeInt32LE(link, 4);
        check(
          libc().sendto(fd, frame, frame.length, 0, sockaddr, sockaddr.length),
          () => `send a frame out of interface ${link} in ${netns.path}`,
        );
      },
      close,
      [Symbol.dispose]: close,
    };
  }
}
