/** Announces the addresses of new interfaces to their neighbours, more than once: a neighbour may just then not be listening. */

import { messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { isErrno } from '../../kernel/ffi/errno.ts';
import { RouteClient } from '../../kernel/netlink/index.ts';
import type { NetnsHandle } from '../../kernel/netns/index.ts';
import { type FrameSender, FrameSenders } from '../../kernel/packet/index.ts';
import type { AdvertiseSpec, EndpointSpec } from '../model/index.ts';
import { announcement } from './announcement.ts';

/** Messages for each address, as in Docker. */
const COUNT = 3;
/** Milliseconds between them. */
const INTERVAL = 1000;
/** Milliseconds between looks whether the interface is heard: doubled each time. After the longest, it is tried all the same. */
const LOOK = { first: 1, longest: 64 };

/** What one interface has to say. */
interface Speech {
  readonly socket: FrameSender;
  readonly link: number;
  readonly frames: readonly Buffer[];
  timer: NodeJS.Timeout | undefined;
}

export class Announcer {
  readonly #log: Log;
  readonly #sockets = new FrameSenders();
  /** By endpoint: those that have more to say. */
  readonly #speeches = new Map<string, Speech>();

  constructor(log: Log) {
    this.#log = log;
  }

  /**
   * As soon as the interface is heard, mostly at once, and then again as often as `advertise` says. A failure is logged and no more: a
   * neighbour that was not told asks for itself.
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
    const speech = this.#prepare(endpoint, netns);
    if (speech === undefined) return;
    this.#speeches.set(endpoint.id, speech);
    const later = (delay: number, act: () => void) => {
      speech.timer = setTimeout(act, delay).unref();
    };
    const say = (left: number) => {
      if (this.#send(endpoint.id, speech) && left > 1) later(interval, () => say(left - 1));
      else this.cancel(endpoint.id);
    };
    const begin = (wait: number) => {
      if (wait > LOOK.longest || isHeard()) say(count);
      else later(wait, () => begin(wait * 2));
    };
    begin(LOOK.first);
  }

  /** The interface goes, or has said everything. */
  cancel(endpointId: string): void {
    const speech = this.#speeches.get(endpointId);
    if (speech === undefined) return;
    this.#speeches.delete(endpointId);
    clearTimeout(speech.timer);
    speech.socket.close();
  }

  /** Undefined when there is nothing to say. */
  #prepare({ id, v4, v6, linkLocal = [], ifname }: EndpointSpec, netns: NetnsHandle): Speech | undefined {
    const addresses = [v4, v6, ...linkLocal].flatMap((part) => part?.address ?? []);
    try {
      using inside = RouteClient.open(netns);
      const { index, mac } = inside.link(ifname);
      if (mac === undefined || addresses.length === 0) return undefined;
      const frames = addresses.map((address) => announcement(mac, address));
      return { socket: this.#sockets.open(netns), link: index, frames, timer: undefined };
    } catch (error) {
      this.#failed(id, error);
      return undefined;
    }
  }

  #send(endpointId: string, { socket, link, frames }: Speech): boolean {
    try {
      for (const frame of frames) socket.send(link, frame);
      return true;
    } catch (error) {
      // Somebody took the interface down or away.
      if (!isErrno(error, 'ENETDOWN', 'ENXIO', 'ENODEV')) this.#failed(endpointId, error);
      return false;
    }
  }

  #failed(endpoint: string, error: unknown): void {
    this.#log.warn({ endpoint, error: messageOf(error) }, 'cannot announce addresses');
  }
}
