/** Connections that begin and end, as ctnetlink announces them. While nobody listens the kernel makes no events (nf_conntrack_events = 2). */
import { isErrno } from '../../ffi/errno.ts';
import { watchReadable } from '../../ffi/poll.ts';
import type { NetnsHandle } from '../../netns/index.ts';
import { NETLINK_NETFILTER } from '../constants.ts';
import { NFNL_SUBSYS_CTNETLINK, nfnlType } from '../netfilter.ts';
import { NetlinkSocket } from '../socket.ts';
import { type ConntrackEntry, readConntrackEntry } from './entry.ts';

/** `NFNLGRP_CONNTRACK_NEW = 1`, `NFNLGRP_CONNTRACK_DESTROY = 3` (linux/netfilter/nfnetlink_compat.h) */
const GROUPS = [1, 3];
/** `IPCTNL_MSG_CT_NEW = 0`, `IPCTNL_MSG_CT_DELETE = 2` (nfnetlink_conntrack.h) */
const IPCTNL_MSG_CT_NEW = 0;
const IPCTNL_MSG_CT_DELETE = 2;
/** Datagrams taken before others get their turn of the loop. */
const TURN = 256;

export type ConntrackEvent =
  | { readonly change: 'new' | 'end'; readonly entry: ConntrackEntry }
  /** Events came faster than they were read. */
  | { readonly change: 'lost' };

/** Calls back for every connection until the result is disposed of. */
export function watchConntrack(options: {
  /** Default: the thread's own. */
  netns?: NetnsHandle | string | undefined;
  onEvent(event: ConntrackEvent): void;
}): Disposable {
  const socket = NetlinkSocket.open(NETLINK_NETFILTER, { netns: options.netns, groups: GROUPS });
  const watch = watchReadable(socket.fd, () => {
    for (let count = 0; count < TURN && !socket.closed; count++) {
      try {
        const messages = socket.receive('watch tracked connections');
        if (messages === undefined) return;
        for (const { type, ...message } of messages) {
          const change = type === NEW ? 'new' : type === DELETE ? 'end' : undefined;
          const entry = change && readConntrackEntry({ type, ...message });
          if (change !== undefined && entry !== undefined) options.onEvent({ change, entry });
        }
      } catch (error) {
        if (!isErrno(error, 'ENOBUFS')) throw error;
        options.onEvent({ change: 'lost' });
      }
    }
  });
  watch.unref();
  return {
    [Symbol.dispose]() {
      watch.close();
      socket.close();
    },
  };
}

const NEW = nfnlType(NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_NEW);
const DELETE = nfnlType(NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_DELETE);
