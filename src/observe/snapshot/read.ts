/**
 * Reads a host and the namespaces of its containers. Only those that a packet passes through are read as a whole: the caller walks,
 * and asks for more when the way leads where nobody has looked yet.
 */

import { setImmediate } from 'node:timers/promises';
import { messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { RouteClient } from '../../kernel/netlink/index.ts';
import { type NetnsHandle, openCurrentNetns, openNetns } from '../../kernel/netns/index.ts';
import { HOST, type HostSnapshot, type Namespace } from '../packet/snapshot.ts';
import { readRulebook } from './firewall.ts';
import { type NamespaceBasics, readPartial, readWhole } from './namespace.ts';

/** Namespaces that are read at a stretch. */
const TURN = 16;

/** A container's namespace: its owner, and where it is. */
export interface NamespacePlace {
  /** The container's id. */
  readonly id: string;
  /** Its name. */
  readonly title: string;
  /** `/run/…/netns/X`, `/proc/PID/ns/net`. */
  readonly path: string;
}

export interface SnapshotOptions {
  /** The host's namespace; the thread's own by default. */
  readonly netns?: NetnsHandle | string | undefined;
  readonly log: Log;
}

/** The namespaces that can be read, held open until it is disposed of. */
export class SnapshotReader implements Disposable {
  readonly #open = new DisposableStack();
  readonly #places = new Map<string, { title: string; netns: NetnsHandle; route: RouteClient }>();
  readonly #read = new Map<string, NamespaceBasics>();

  /** A container whose namespace is gone meanwhile is left out. */
  constructor(places: readonly NamespacePlace[], { netns, log }: SnapshotOptions) {
    try {
      this.#add(HOST, HOST, openHost(netns));
      for (const { id, title, path } of places) {
        try {
          this.#add(id, title, openNetns(path));
        } catch (error) {
          log.debug({ container: id, error: messageOf(error) }, 'cannot look into a namespace');
        }
      }
    } catch (error) {
      this.#open.dispose();
      throw error;
    }
  }

  has(id: string): boolean {
    return this.#places.has(id);
  }

  /** The open namespace itself. */
  netns(id: string): NetnsHandle | undefined {
    return this.#places.get(id)?.netns;
  }

  /** Everything is read that is asked for as a whole, and of the others the least; what was read before stays as it was. */
  async read(whole: ReadonlySet<string>): Promise<HostSnapshot> {
    for (const [id, { title, netns, route }] of this.#places) {
      const before = this.#read.get(id);
      if (before !== undefined && (!before.partial || !whole.has(id))) continue;
      // Hundreds of namespaces: others get their turn of the loop in between.
      if (this.#read.size % TURN === TURN - 1) await setImmediate();
      this.#read.set(
        id,
        whole.has(id)
          ? readWhole(route, netns, id, title, await readRulebook(netns))
          : readPartial(route, id, title),
      );
    }
    const namespaces = new Map<string, Namespace>();
    for (const [id, basics] of this.#read) namespaces.set(id, { ...basics, peers: this.#peers(id, basics) });
    return { namespaces };
  }

  /** A veth names its other end by index, and the namespace by a number that each namespace gives to others. */
  #peers(id: string, { links }: NamespaceBasics): Namespace['peers'] {
    const peers = new Map<number, { namespace: string; link: number }>();
    const veths = links.filter(({ kind, link }) => kind === 'veth' && link !== undefined);
    if (veths.length === 0) return peers;
    const route = this.#places.get(id)?.route;
    const ids = new Map<number, string>();
    const wanted = new Set(veths.flatMap(({ linkNetnsId }) => linkNetnsId ?? []));
    // The host comes first: a container's pairs mostly lead there, and then nobody else is asked for.
    for (const [other, { netns }] of this.#places) {
      if (wanted.size === 0) break;
      const number = other === id ? undefined : route?.netnsId(netns);
      if (number === undefined || ids.has(number)) continue;
      ids.set(number, other);
      wanted.delete(number);
    }
    for (const { index, link, linkNetnsId } of veths) {
      const other = linkNetnsId === undefined ? id : ids.get(linkNetnsId);
      if (other !== undefined && link !== undefined) peers.set(index, { namespace: other, link });
    }
    return peers;
  }

  #add(id: string, title: string, netns: NetnsHandle): void {
    this.#open.use(netns);
    this.#places.set(id, { title, netns, route: this.#open.use(RouteClient.open(netns)) });
  }

  [Symbol.dispose](): void {
    this.#open.dispose();
  }
}

/** A handle of one's own, since it is closed at the end. */
function openHost(netns: NetnsHandle | string | undefined): NetnsHandle {
  if (netns === undefined) return openCurrentNetns();
  return openNetns(typeof netns === 'string' ? netns : `/proc/thread-self/fd/${netns.fd}`);
}
