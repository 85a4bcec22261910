/**
 * Changes that anybody makes to a network namespace, as the kernel announces them by netlink multicast.
 *
 * How they reach Node's event loop: the socket is watched by uv_poll(3), which koffi offers as `koffi.node.poll()`, so the
 * loop's own epoll wakes us and no thread waits anywhere. Refused: a blocking recv on a pool thread (it would hold one of
 * four for ever), a worker thread with a wake-up pipe (a second V8 for a few events a minute), and polling by a timer.
 */
import { isErrno } from '../ffi/errno.ts';
import { watchReadable } from '../ffi/poll.ts';
import type { NetnsHandle } from '../netns/index.ts';
import { readAttributes, textOf } from './attributes.ts';
import { NETLINK_NETFILTER, NETLINK_ROUTE } from './constants.ts';
import type { NetlinkMessage } from './message.ts';
import { NFGENMSG_LENGTH, NFNL_SUBSYS_NFTABLES, NFNLGRP_NFTABLES, nfnlType } from './netfilter.ts';
import { type InterfaceAddress, readAddress } from './route/address.ts';
import {
  RTM_DELADDR,
  RTM_DELLINK,
  RTM_DELNEIGH,
  RTM_DELROUTE,
  RTM_NEWADDR,
  RTM_NEWLINK,
  RTM_NEWNEIGH,
  RTM_NEWROUTE,
} from './route/constants.ts';
import { type Link, readLink } from './route/link.ts';
import { type Neighbour, readNeighbour } from './route/neighbour.ts';
import { type Route, readRoute } from './route/route.ts';
import { NetlinkSocket } from './socket.ts';

/** `new` also means: changed. */
type Change = 'new' | 'delete';

export type NetworkEvent =
  | { readonly subject: 'link'; readonly change: Change; readonly link: Link }
  | { readonly subject: 'address'; readonly change: Change; readonly address: InterfaceAddress }
  | { readonly subject: 'route'; readonly change: Change; readonly route: Route }
  | { readonly subject: 'neighbour'; readonly change: Change; readonly neighbour: Neighbour }
  /** A transaction of nftables was committed: by `nft`, by iptables's nf_tables variant, or by ourselves (see `pid`). */
  | {
      readonly subject: 'nftables';
      readonly generation: number;
      readonly pid: number;
      readonly program: string;
    }
  /** Events were lost, since they came faster than they were read: read the state anew. */
  | { readonly subject: 'overrun' };

export type MonitorSubject = Exclude<NetworkEvent['subject'], 'overrun'>;

export interface MonitorOptions {
  /** Default: the thread's own. */
  netns?: NetnsHandle | string | undefined;
  subjects: readonly MonitorSubject[];
  /** Called in order, on the event loop. What it throws is an uncaught exception. */
  onEvent(event: NetworkEvent): void;
  /** Whether the monitor alone keeps the process running. Default: false. */
  ref?: boolean | undefined;
}

export interface Monitor extends Disposable {
  /** Reads what is queued now, so that all has been told that happened before the call. */
  flush(): void;
  /** No event comes afterwards. Idempotent. */
  close(): void;
}

/** enum rtnetlink_groups */
const GROUPS: Record<Exclude<MonitorSubject, 'nftables'>, readonly number[]> = {
  link: [1], // RTNLGRP_LINK
  neighbour: [3], // RTNLGRP_NEIGH
  address: [5, 9], // RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR
  route: [7, 11], // RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE
};
/** `NFT_MSG_NEWGEN = 15`; attributes `NFTA_GEN_ID = 1`, `NFTA_GEN_PROC_PID = 2`, `NFTA_GEN_PROC_NAME = 3` (nf_tables.h) */
const NFT_MSG_NEWGEN = 15;
const NFTA_GEN = { ID: 1, PROC_PID: 2, PROC_NAME: 3 } as const;
/** Datagrams taken before others get their turn of the loop. */
const TURN = 64;

/** Watches a namespace from now on. What was there before is not announced: open the monitor first, then list. */
export function openMonitor(options: MonitorOptions): Monitor {
  const { netns, subjects, onEvent } = options;
  const groups = subjects.flatMap((subject) => (subject === 'nftables' ? [] : GROUPS[subject]));
  const watches: Array<() => void> = [];
  const drains: Array<() => boolean> = [];
  let closed = false;
  const close = () => {
    closed = true;
    for (const stop of watches.splice(0)) stop();
  };
  const emit = (event: NetworkEvent) => {
    if (!closed) onEvent(event);
  };
  const listen = (protocol: number, joined: readonly number[], read: Reader) => {
    const socket = NetlinkSocket.open(protocol, { netns, groups: joined });
    let lost = false;
    const take = () => {
      const { isEmpty, isLost } = drain(socket, read, emit, lost);
      lost = isLost;
      return isEmpty;
    };
    drains.push(take);
    const watch = watchReadable(socket.fd, () => {
      if (!closed) take();
    });
    if (!options.ref) watch.unref();
    watches.push(() => {
      watch.close();
      socket.close();
    });
  };
  try {
    if (groups.length > 0) listen(NETLINK_ROUTE, groups, readRouteEvent);
    if (subjects.includes('nftables')) listen(NETLINK_NETFILTER, [NFNLGRP_NFTABLES], readNftablesEvent);
  } catch (error) {
    close();
    throw error;
  }
  const flush = () => {
    for (const take of drains) while (!closed && !take());
  };
  return { flush, close, [Symbol.dispose]: close };
}

type Reader = (message: NetlinkMessage) => NetworkEvent | undefined;

/** Reads what is queued, in turns: is the queue empty now, and were events lost that no `overrun` has told of yet? */
function drain(
  socket: NetlinkSocket,
  read: Reader,
  emit: (event: NetworkEvent) => void,
  lostBefore: boolean,
): { isEmpty: boolean; isLost: boolean } {
  let lost = lostBefore;
  for (let count = 0; count < TURN && !socket.closed; count++) {
    let messages: NetlinkMessage[] | undefined;
    try {
      messages = socket.receive('watch the network');
    } catch (error) {
      if (!isErrno(error, 'ENOBUFS')) throw error;
      lost = true;
      continue;
    }
    if (!messages) {
      // Only now: the kernel goes on dropping until the queue is empty (NETLINK_S_CONGESTED), so whoever read the state
      // anew before that would miss changes for good.
      if (lost) emit({ subject: 'overrun' });
      return { isEmpty: true, isLost: false };
    }
    for (const message of messages) {
      const event = read(message);
      if (event) emit(event);
    }
  }
  return { isEmpty: socket.closed, isLost: lost };
}

function readRouteEvent(message: NetlinkMessage): NetworkEvent | undefined {
  switch (message.type) {
    case RTM_NEWLINK:
      return { subject: 'link', change: 'new', link: readLink(message) };
    case RTM_DELLINK:
      return { subject: 'link', change: 'delete', link: readLink(message) };
    case RTM_NEWADDR:
      return { subject: 'address', change: 'new', address: readAddress(message) };
    case RTM_DELADDR:
      return { subject: 'address', change: 'delete', address: readAddress(message) };
    case RTM_NEWNEIGH:
      return { subject: 'neighbour', change: 'new', neighbour: readNeighbour(message) };
    case RTM_DELNEIGH:
      return { subject: 'neighbour', change: 'delete', neighbour: readNeighbour(message) };
    case RTM_NEWROUTE:
    case RTM_DELROUTE: {
      const route = readRoute(message);
      return route && { subject: 'route', change: message.type === RTM_NEWROUTE ? 'new' : 'delete', route };
    }
    default:
      return undefined;
  }
}

/** Of the many messages of a transaction only its end: what changed is read from the ruleset itself. */
function readNftablesEvent(message: NetlinkMessage): NetworkEvent | undefined {
  if (message.type !== nfnlType(NFNL_SUBSYS_NFTABLES, NFT_MSG_NEWGEN)) return undefined;
  const attributes = readAttributes(message.body, NFGENMSG_LENGTH);
  const name = attributes.bytes(NFTA_GEN.PROC_NAME);
  return {
    subject: 'nftables',
    generation: attributes.u32be(NFTA_GEN.ID) ?? 0,
    pid: attributes.u32be(NFTA_GEN.PROC_PID) ?? 0,
    program: name ? textOf(name) : '',
  };
}
