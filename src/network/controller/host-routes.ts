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
  /**
   * Whether links are ours, by index. Kept up to date by what the kernel announces: asking for a link while another one is being deleted
   * would hold this thread for the 20 ms that deleting a bridge takes.
   */
  readonly #ours = new Map<number, boolean>();
  #areLinksKnown = false;

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
    this.#areLinksKnown = false;
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
        const { index, name, up } = event.link;
        const isGone = event.change === 'delete';
        if (isGone) this.#ours.delete(index);
        // One that was ours is on its way out with its network.
        else if (this.#ours.get(index) !== true) this.#ours.set(index, this.#parts.isOurs(name));
        return (isGone || !up) && this.#routes.some(({ link }) => link === index);
      }
      case 'address':
        return event.change === 'delete' && !this.#isOurs(event.address.link);
      case 'overrun':
        this.#areLinksKnown = false;
        return true;
      default:
        return false;
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
    const { route, isOurs } = this.#parts;
    this.#isStale = false;
    if (!this.#areLinksKnown) {
      this.#ours.clear();
      for (const { index, name } of route.links()) this.#ours.set(index, isOurs(name));
      this.#areLinksKnown = true;
    }
    this.#routes = ([4, 6] as const)
      .flatMap((family) => route.routes({ family, table: ALL_TABLES }))
      .filter((found) => useOf(found) !== undefined && !this.#isOurs(found.link));
  }

  /** A link that is not known is gone, and its routes with it. */
  #isOurs(link: number | undefined): boolean {
    return link !== undefined && (this.#ours.get(link) ?? true);
  }
}
