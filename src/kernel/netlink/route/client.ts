/**
 * Links, addresses, routes and neighbours of one network namespace, over one route netlink socket.
 *
 * Methods are synchronous (see `NetlinkSocket`). To do several things at once, make the requests with
 * the functions beside this file and hand them to `batch()`.
 */
import { isErrno } from '../../ffi/errno.ts';
import type { NetnsHandle } from '../../netns/index.ts';
import { readAttributes } from '../attributes.ts';
import { NETLINK_ROUTE } from '../constants.ts';
import { type NetlinkRequest, netlinkRequest } from '../message.ts';
import { type BatchResult, NetlinkSocket } from '../socket.ts';
import {
  type AddressSpec,
  addAddress,
  deleteAddress,
  type InterfaceAddress,
  listAddresses,
  readAddress,
  replaceAddress,
} from './address.ts';
import { NETNSA, RTM_GETNSID } from './constants.ts';
import { type Link, readLink } from './link.ts';
import { LinkDeletions } from './link-deletions.ts';
import {
  addLink,
  type BridgePortChange,
  type BridgeSettings,
  deleteLink,
  getLink,
  type LinkChange,
  type LinkFilter,
  type LinkSpec,
  listLinks,
  setBridge,
  setBridgePort,
  setLink,
} from './link-requests.ts';
import {
  addNeighbour,
  deleteNeighbour,
  listNeighbours,
  type Neighbour,
  type NeighbourSpec,
  readNeighbour,
  replaceNeighbour,
} from './neighbour.ts';
import {
  addRoute,
  deleteRoute,
  listRoutes,
  lookupRoute,
  matchesRoute,
  type Route,
  type RouteFilter,
  type RouteSpec,
  readRoute,
  replaceRoute,
} from './route.ts';
import { listRules, type RoutingRule, readRule } from './rule.ts';

export class RouteClient implements Disposable {
  readonly socket: NetlinkSocket;
  readonly #deletions: LinkDeletions;

  private constructor(socket: NetlinkSocket) {
    this.socket = socket;
    this.#deletions = new LinkDeletions(socket);
  }

  /** @param netns the namespace to look at; the thread's own by default. It may be left and even unmounted afterwards. */
  static open(netns?: NetnsHandle | string): RouteClient {
    return new RouteClient(NetlinkSocket.open(NETLINK_ROUTE, { netns }));
  }

  close(): void {
    this.#deletions.close();
    this.socket.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** See `NetlinkSocket.batch()`: every request is carried out, errors are thrown afterwards. */
  batch(requests: readonly NetlinkRequest[]): void {
    this.socket.batch(requests);
  }

  batchAsync(requests: readonly NetlinkRequest[]): Promise<void> {
    return this.socket.batchAsync(requests);
  }

  tryBatch(requests: readonly NetlinkRequest[]): BatchResult[] {
    return this.socket.tryBatch(requests);
  }

  // Links

  links(filter: LinkFilter = {}): Link[] {
    return this.socket.dump(listLinks(filter)).map(readLink);
  }

  /** By index or name (also an alternative one); errno ENODEV when there is none. */
  link(link: number | string): Link {
    const request = getLink(link);
    const [message] = this.socket.request(request);
    if (!message) throw new Error(`${request.action}: acknowledged without an answer`);
    return readLink(message);
  }

  /** Like `link()`, but `undefined` when there is none. */
  findLink(link: number | string): Link | undefined {
    try {
      return this.link(link);
    } catch (error) {
      if (isErrno(error, 'ENODEV')) return undefined;
      throw error;
    }
  }

  /** Makes a link and returns what came of it: its index, and for a veth the peer's in `link`. */
  addLink(spec: LinkSpec): Link {
    this.socket.request(addLink(spec));
    return spec.netns ? withClient(spec.netns, (client) => client.link(spec.name)) : this.link(spec.name);
  }

  setLink(index: number, change: LinkChange): void {
    this.socket.request(setLink(index, change));
  }

  setBridge(index: number, settings: BridgeSettings): void {
    this.socket.request(setBridge(index, settings));
  }

  setBridgePort(index: number, change: BridgePortChange): void {
    this.socket.request(setBridgePort(index, change));
  }

  /** Deletes a link. The kernel waits for an RCU grace period, 5 to 50 ms: prefer `deleteLinkAsync()` in the daemon. */
  deleteLink(link: number | string): void {
    this.socket.request(deleteLink(link));
  }

  /** Resolves as soon as nobody sees the link any more: the kernel goes on freeing it. */
  async deleteLinkAsync(link: number | string): Promise<void> {
    await this.#deletions.delete(link);
  }

  // Addresses

  addresses(filter: { link?: number; family?: 4 | 6 } = {}): InterfaceAddress[] {
    return this.socket
      .dump(listAddresses(filter))
      .map(readAddress)
      .filter((address) => filter.link === undefined || address.link === filter.link);
  }

  addAddress(spec: AddressSpec): void {
    this.socket.request(addAddress(spec));
  }

  replaceAddress(spec: AddressSpec): void {
    this.socket.request(replaceAddress(spec));
  }

  deleteAddress(spec: Pick<AddressSpec, 'link' | 'address' | 'prefixLength'>): void {
    this.socket.request(deleteAddress(spec));
  }

  // Routes

  /** Routes of the main table unless the filter says otherwise. */
  routes(filter: RouteFilter = {}): Route[] {
    try {
      return this.socket
        .dump(listRoutes(filter))
        .map(readRoute)
        .filter((route) => route !== undefined)
        .filter((route) => matchesRoute(route, filter));
    } catch (error) {
      // A strict dump of a table that has never held a route, or of a family that is switched off.
      if (isErrno(error, 'ENOENT')) return [];
      throw error;
    }
  }

  /** Which way a packet of this host to `destination` would go; `undefined` when there is none. */
  routeTo(destination: string): Route | undefined {
    try {
      const [message] = this.socket.request(lookupRoute(destination));
      return message && readRoute(message);
    } catch (error) {
      if (isErrno(error, 'ENETUNREACH', 'EHOSTUNREACH', 'EACCES', 'EINVAL')) return undefined;
      throw error;
    }
  }

  addRoute(spec: RouteSpec): void {
    this.socket.request(addRoute(spec));
  }

  replaceRoute(spec: RouteSpec): void {
    this.socket.request(replaceRoute(spec));
  }

  deleteRoute(spec: RouteSpec): void {
    this.socket.request(deleteRoute(spec));
  }

  // Routing rules

  /** In the order in which they are asked. */
  rules(family: 4 | 6): RoutingRule[] {
    return this.socket
      .dump(listRules(family))
      .map(readRule)
      .filter((rule) => rule !== undefined)
      .sort((a, b) => a.priority - b.priority);
  }

  // Neighbours

  neighbours(filter: { family?: 4 | 6 | 'bridge'; link?: number } = {}): Neighbour[] {
    const families = filter.family === undefined ? ([4, 6] as const) : [filter.family];
    return families
      .flatMap((family) => this.socket.dump(listNeighbours({ family })))
      .map(readNeighbour)
      .filter((neighbour) => filter.link === undefined || neighbour.link === filter.link);
  }

  addNeighbour(spec: NeighbourSpec): void {
    this.socket.request(addNeighbour(spec));
  }

  replaceNeighbour(spec: NeighbourSpec): void {
    this.socket.request(replaceNeighbour(spec));
  }

  deleteNeighbour(spec: Pick<NeighbourSpec, 'link' | 'address' | 'proxy'>): void {
    this.socket.request(deleteNeighbour(spec));
  }

  // Namespaces

  /**
   * The id this namespace has for another (`Link.linkNetnsId` names it so); `undefined` when it has none, that is when no
   * link of the one has to do with the other.
   */
  netnsId(other: NetnsHandle): number | undefined {
    const head = Buffer.alloc(4); // struct rtgenmsg { family u8 }, padded
    const request = netlinkRequest(`get id of ${other.path}`, RTM_GETNSID, 0, head, (attributes) =>
      attributes.u32(NETNSA.FD, other.fd),
    );
    const [message] = this.socket.request(request);
    const id = message && readAttributes(message.body, 4).s32(NETNSA.NSID);
    // `NETNSA_NSID_NOT_ASSIGNED = -1`
    return id === undefined || id < 0 ? undefined : id;
  }
}

function withClient<T>(netns: NetnsHandle, use: (client: RouteClient) => T): T {
  using client = RouteClient.open(netns);
  return use(client);
}
