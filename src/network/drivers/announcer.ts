/** Announces the addresses of new interfaces to their neighbours, more than once: a neighbour may just then not be listening. */

import { messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { isErrno } from '../../kernel/ffi/errno.ts';
import { RouteClient } from '../../kernel/netlink/index.ts';
import { type NetnsHandle, openNetns } from '../../kernel/netns/index.ts';
import { sendFrames } from '../../kernel/packet.ts';
import type { AdvertiseSpec, EndpointSpec } from '../model/index.ts';
import { announcement } from './announcement.ts';

/** Messages for each address, as in Docker. */
const COUNT = 3;
/** Milliseconds between them. */
const INTERVAL = 1000;
/** Milliseconds between looks whether the interface is heard: doubled each time. After the longest, it is tried all the same. */
const LOOK = { first: 1, longest: 64 };

export class Announcer {
  readonly #log: Log;
  /** By endpoint: what is still to come. */
  readonly #timers = new Map<string, NodeJS.Timeout>();

  constructor(log: Log) {
    this.#log = log;
  }

  /**
   * As soon as the interface is heard, mostly at once, and then again as often as `advertise` says.
   *
   * @param isHeard see `NetworkDriver.isHeard()`
   */
  announce(
    endpoint: EndpointSpec,
    netns: NetnsHandle,
    isHeard: () => boolean,
    advertise: AdvertiseSpec = {},
  ): void {
    const { count = COUNT, interval = INTERVAL } = advertise;
    if (count === 0) return;
    const say = (left: number, inside: NetnsHandle) => {
      if (!this.#send(endpoint, inside) || left === 1) return;
      this.#later(endpoint.id, netns.path, interval, (next) => say(left - 1, next));
    };
    const begin = (wait: number, inside: NetnsHandle) => {
      if (wait > LOOK.longest || isHeard()) say(count, inside);
      else this.#later(endpoint.id, netns.path, wait, (next) => begin(wait * 2, next));
    };
    begin(LOOK.first, netns);
  }

  /** The interface goes. */
  cancel(endpointId: string): void {
    clearTimeout(this.#timers.get(endpointId));
    this.#timers.delete(endpointId);
  }

  /** Opens the namespace anew: a handle that is held would keep it alive. */
  #later(endpointId: string, path: string, delay: number, act: (netns: NetnsHandle) => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(endpointId);
      using netns = this.#open(path);
      if (netns !== undefined) act(netns);
    }, delay).unref();
    this.#timers.set(endpointId, timer);
  }

  /** Undefined: it has gone meanwhile. */
  #open(path: string): NetnsHandle | undefined {
    try {
      return openNetns(path);
    } catch {
      return undefined;
    }
  }

  /** False when there is nothing to announce any more. A neighbour that was not told asks for itself: no failure of the network. */
  #send(endpoint: EndpointSpec, netns: NetnsHandle): boolean {
    const { v4, v6, linkLocal = [], ifname } = endpoint;
    const addresses = [v4, v6, ...linkLocal].flatMap((part) => part?.address ?? []);
    try {
      using inside = RouteClient.open(netns);
      const { index, mac } = inside.link(ifname);
      if (mac === undefined || addresses.length === 0) return false;
      sendFrames(
        netns,
        index,
        addresses.map((address) => announcement(mac, address)),
      );
      return true;
    } catch (error) {
      if (!isErrno(error, 'ENODEV')) {
        this.#log.warn({ endpoint: endpoint.id, error: messageOf(error) }, 'cannot announce addresses');
      }
      return false;
    }
  }
}
