/** Netlink: the socket, the codec, and the families built on them. */

export * from './conntrack/index.ts';
export type { NetlinkMessage, NetlinkRequest } from './message.ts';
export {
  type Monitor,
  type MonitorOptions,
  type MonitorSubject,
  type NetworkEvent,
  openMonitor,
} from './monitor.ts';
export * from './nftrace/index.ts';
export * from './route/index.ts';
export { type BatchResult, NetlinkSocket, type NetlinkSocketOptions } from './socket.ts';
export * from './sockets/index.ts';
