/** Netlink: the socket, the codec, and the families built on them. */

export type { NetlinkMessage, NetlinkRequest } from './message.ts';
export * from './route/index.ts';
export { type BatchResult, NetlinkSocket, type NetlinkSocketOptions } from './socket.ts';
