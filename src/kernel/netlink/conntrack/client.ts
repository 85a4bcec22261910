/**
 * The kernel's table of tracked connections, one per network namespace, over ctnetlink.
 *
 * Why Bridgeport deletes from it: a UDP client that keeps sending stays bound to what its first packet was translated to,
 * even after the port is published by another container or its rule is gone.
 */
import { AF_INET, AF_INET6, AF_UNSPEC } from '../../address.ts';
import type { NetnsHandle } from '../../netns/index.ts';
import { NETLINK_NETFILTER, NLA_F_NESTED } from '../constants.ts';
import { type NetlinkRequest, netlinkRequest } from '../message.ts';
import { NFNL_SUBSYS_CTNETLINK, nfgenmsg, nfnlType } from '../netfilter.ts';
import { NetlinkSocket } from '../socket.ts';
import {
  type ConntrackEntry,
  type ConntrackFilter,
  CTA,
  matchesConntrack,
  readConntrackEntry,
} from './entry.ts';

/** enum cntl_msg_types: `IPCTNL_MSG_CT_GET = 1`, `IPCTNL_MSG_CT_DELETE = 2` */
const IPCTNL_MSG_CT_GET = 1;
const IPCTNL_MSG_CT_DELETE = 2;

export class ConntrackClient implements Disposable {
  readonly #socket: NetlinkSocket;

  private constructor(socket: NetlinkSocket) {
    this.#socket = socket;
  }

  /** @param netns the namespace whose table it is; the thread's own by default */
  static open(netns?: NetnsHandle | string): ConntrackClient {
    return new ConntrackClient(NetlinkSocket.open(NETLINK_NETFILTER, { netns }));
  }

  close(): void {
    this.#socket.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** The entries that agree with `filter`. The kernel narrows by family, the rest is done here. */
  list(filter: ConntrackFilter = {}): ConntrackEntry[] {
    return this.#socket
      .dump(listEntries(filter.family))
      .map(readConntrackEntry)
      .filter((entry) => entry !== undefined)
      .filter((entry) => matchesConntrack(entry, filter));
  }

  /**
   * Forgets the connections that agree with `filter`. One that ends by itself meanwhile is no error.
   *
   * @returns how many were deleted
   */
  delete(filter: ConntrackFilter): number {
    return this.deleteEntries(this.list(filter));
  }

  /** As `delete()`, of entries that were listed before. */
  deleteEntries(entries: readonly ConntrackEntry[]): number {
    const results = this.#socket.tryBatch(entries.map(deleteEntry));
    const errors = results.flatMap(({ error }) => (error && error.errno !== 'ENOENT' ? [error] : []));
    if (errors.length > 0) throw errors[0];
    return results.filter(({ error }) => error === undefined).length;
  }
}

function listEntries(family: 4 | 6 | undefined): NetlinkRequest {
  const number = family === undefined ? AF_UNSPEC : family === 4 ? AF_INET : AF_INET6;
  const type = nfnlType(NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_GET);
  return netlinkRequest('list tracked connections', type, 0, nfgenmsg(number));
}

function deleteEntry(entry: ConntrackEntry): NetlinkRequest {
  const { original, family, tuple, id, zone } = entry;
  return netlinkRequest(
    `delete tracked connection ${original.source} → ${original.destination}`,
    nfnlType(NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_DELETE),
    0,
    nfgenmsg(family === 4 ? AF_INET : AF_INET6),
    (attributes) => {
      attributes.bytes(CTA.TUPLE_ORIG | NLA_F_NESTED, tuple);
      // With the id a new connection that has just taken the same tuple is left alone.
      attributes.u32be(CTA.ID, id);
      if (zone !== 0) attributes.u16be(CTA.ZONE, zone);
    },
  );
}
