/**
 * Deletes links without waiting until the kernel has freed them. RTM_DELLINK is acknowledged after rcu_barrier(), 10 to 40 ms in which
 * nobody sees the link any more and others may change the network already (unregister_netdevice_many() and netdev_run_todo() in
 * net/core/dev.c). That it is gone the kernel tells everybody before that, after 1 or 2 ms.
 */
import { type PollWatch, watchReadable } from '../../ffi/poll.ts';
import type { NetlinkSocket } from '../socket.ts';
import { RTM_DELLINK } from './constants.ts';
import { readLink } from './link.ts';
import { deleteLink } from './link-requests.ts';

/** `RTNLGRP_LINK = 1` (rtnetlink.h) */
const RTNLGRP_LINK = 1;
/** A bridge also announces a port that leaves it, as a deleted link of family AF_BRIDGE. */
const AF_UNSPEC = 0;
/** At the same time: barriers that wait together end together, but each holds one of the process's four pool threads. */
const LANES = 2;

interface Deletion {
  readonly link: number | string;
  readonly gone: () => void;
}

export class LinkDeletions {
  readonly #socket: NetlinkSocket;
  #lanes: Array<{ socket: NetlinkSocket; pending: number }> = [];
  readonly #deletions = new Set<Deletion>();
  /** Open while something is being deleted. */
  #monitor: { socket: NetlinkSocket; watch: PollWatch } | undefined;
  #closed = false;

  /** @param socket of NETLINK_ROUTE, in the namespace of the links */
  constructor(socket: NetlinkSocket) {
    this.#socket = socket;
  }

  /** Resolves when nobody sees the link any more; errno ENODEV when there was none. */
  async delete(link: number | string): Promise<void> {
    const { promise: told, resolve: gone } = Promise.withResolvers<void>();
    const deletion = { link, gone };
    this.#watch();
    this.#deletions.add(deletion);
    const lane = this.#lane();
    lane.pending++;
    const acknowledged = lane.socket.requestAsync(deleteLink(link)).finally(() => {
      lane.pending--;
      this.#deletions.delete(deletion);
      if (this.#deletions.size === 0) this.#rest();
    });
    await Promise.race([told, acknowledged]);
  }

  /** What was begun is finished. */
  close(): void {
    this.#closed = true;
    if (this.#deletions.size === 0) this.#rest();
  }

  #lane(): { socket: NetlinkSocket; pending: number } {
    if (this.#lanes.length < LANES) {
      this.#lanes.push({ socket: this.#socket.sibling(), pending: 0 });
    }
    return this.#lanes.reduce((least, lane) => (lane.pending < least.pending ? lane : least));
  }

  #watch(): void {
    if (this.#monitor !== undefined) return;
    const socket = this.#socket.sibling({ groups: [RTNLGRP_LINK] });
    const watch = watchReadable(socket.fd, () => this.#read(socket));
    // The acknowledgement keeps the process running as it is.
    watch.unref();
    this.#monitor = { socket, watch };
  }

  #read(socket: NetlinkSocket): void {
    const action = 'watch links go';
    try {
      for (let messages = socket.receive(action); messages; messages = socket.receive(action)) {
        for (const message of messages) {
          if (message.type !== RTM_DELLINK || message.body.readUInt8(0) !== AF_UNSPEC) continue;
          const { index, name } = readLink(message);
          for (const { link, gone } of this.#deletions) if (link === index || link === name) gone();
        }
      }
    } catch {
      // Events were lost: the acknowledgements will tell.
    }
  }

  #rest(): void {
    this.#monitor?.watch.close();
    this.#monitor?.socket.close();
    this.#monitor = undefined;
    if (!this.#closed) return;
    for (const { socket } of this.#lanes) socket.close();
    this.#lanes = [];
  }
}
