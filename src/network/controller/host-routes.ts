/**
 * The routes of the host that lead elsewhere than to our networks, as they are now. Read once and then again when the kernel announces
 * that something about them may have changed: with a thousand networks nearly all routes are our own, and a new network must
 * not read them all.
 */

import {
  type Monitor,
  type NetworkEvent,
  openMonitor,
  type RouteClient,
} from '../../kernel/netlink/index.ts';
import { type AllocateSubnetOptions, type HostRoute, useOf } from '../ipam/index.ts';

/** Milliseconds between a change and our look: a routing daemon changes many at once. */
const QUIET = 100;
/** `#define RT_TABLE_UNSPEC 0` (rtnetlink.h): all tables. */
const ALL_TABLES = 0;

export interface HostRoutesParts {
  /** In the daemon's namespace. */
  route: RouteClient;
  /** Is an interface of this name the bridge of one of our networks? */
  isOurs: (linkName: string) => boolean;
  /** The set may have changed. */
  onChange: () => void;
}

export class HostRoutes implements Disposable {
  readonly #parts: HostRoutesParts;
  readonly #monitor: Monitor;
  #routes: readonly HostRoute[] = [];
  #isStale = true;
  #timer: NodeJS.Timeout | undefined;
  /** Whether links are ours, by index. */
  readonly #ours = new Map<number, boolean>();

  constructor(parts: HostRoutesParts) {
    this.#parts = parts;
    this.#monitor = openMonitor({
      subjects: ['route', 'link', 'address'],
      onEvent: (event) => {
        if (this.#concerns(event)) this.#changed();
      },
    });
  }

  /** Those that say something about addresses; see `useOf()`. */
  all(): readonly HostRoute[] {
    this.#monitor.flush();
    if (this.#isStale) this.#read();
    return this.#routes;
  }

  /** What a new network's subnet must not, or should not, have an address of. */
  inUse(): Pick<AllocateSubnetOptions, 'avoid' | 'discouraged'> {
    const uses = this.all().flatMap((route) => useOf(route) ?? []);
    const of = (wanted: string) => uses.filter(({ use }) => use === wanted).map(({ prefix }) => prefix);
    return { avoid: of('used'), discouraged: of('discarded') };
  }

  /** A link has become one of ours, or is one no more. */
  reread(): void {
    this.#ours.clear();
    this.#isStale = true;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#monitor.close();
  }

  /** IPv4 announces neither the routes that go with a link nor those that go with their source address: these events stand for them. */
  #concerns(event: NetworkEvent): boolean {
    switch (event.subject) {
      case 'route':
        return useOf(event.route) !== undefined && !this.#isOurs(event.route.link);
      case 'link': {
        const { index, up } = event.link;
        this.#ours.delete(index);
        const isGoing = event.change === 'delete' || !up;
        return isGoing && this.#routes.some(({ link }) => link === index);
      }
      case 'address':
        return event.change === 'delete' && !this.#isOurs(event.address.link);
      default:
        return event.subject === 'overrun';
    }
  }

  #changed(): void {
    this.#isStale = true;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#parts.onChange();
    }, QUIET).unref();
  }

  #read(): void {
    const { route } = this.#parts;
    this.#isStale = false;
    this.#routes = ([4, 6] as const)
      .flatMap((family) => route.routes({ family, table: ALL_TABLES }))
      .filter((found) => useOf(found) !== undefined && !this.#isOurs(found.link));
  }

  #isOurs(link: number | undefined): boolean {
    if (link === undefined) return false;
    const known = this.#ours.get(link);
    if (known !== undefined) return known;
    const { route, isOurs } = this.#parts;
    const name = route.findLink(link)?.name;
    const found = name !== undefined && isOurs(name);
    this.#ours.set(link, found);
    return found;
  }
}
