/** `GET /bridgeport/capture`: frames, from where they pass, as pcapng or JSON. Nothing runs while nobody listens. */

import { Ip } from '../../base/ip.ts';
import { type Link, RouteClient } from '../../kernel/netlink/index.ts';
import { type Frame, PacketSocket } from '../../kernel/packet/index.ts';
import { AddressBook } from '../flows/names.ts';
import { ListenerQueue } from '../listener-queue.ts';
import { findNamed } from '../topology/find.ts';
import type { TopologyRecords } from '../topology/records.ts';
import { compileFilter } from './compile.ts';
import { type FilterNode, parseFilter } from './filter.ts';
import { CAPTURE_FORMATS, type CaptureFormat, type CaptureFormatName } from './format.ts';
import { type CaptureSource, resolveTarget } from './target.ts';

export interface CaptureOptions {
  /** See `resolveTarget()`. */
  readonly target: string;
  /** See `parseFilter()`; empty: everything. */
  readonly filter: string;
  /** Ends after so many frames; undefined: never by itself. */
  readonly count: number | undefined;
  /** Bytes that are kept of each frame; default all of them in pcapng, and the headers in JSON. */
  readonly snapLength: number | undefined;
  readonly format: CaptureFormatName;
  readonly signal: AbortSignal;
}

const SNAP_LENGTH_MOST = 262_144;
/** Enough for the headers of Ethernet, IPv4 and TCP without options. */
const SNAP_LENGTH_LEAST = 64;
/** Bytes that wait for a listener who is slower. */
const BACKLOG = 64 * 1024 * 1024;
/** Milliseconds between two looks at what was lost. */
const LOOK = 1000;
/** `ARPHRD_ETHER 1`, `ARPHRD_LOOPBACK 772` (linux/if_arp.h): frames begin with an Ethernet header. */
const ETHERNET = [1, 772];

/**
 * Opens the sockets at once, so that whoever has the result misses nothing; gives them, in their format, until `signal` or the count ends it.
 *
 * @throws `not-found` for a target that is not there, `invalid` for a filter that is not understood
 */
export function openCapture(records: TopologyRecords, options: CaptureOptions): AsyncGenerator<Buffer> {
  const filter = parseFilter(options.filter, (name) => addressesOf(records, name));
  const sources = resolveTarget(records, options.target);
  const session = new Session(records, options);
  try {
    for (const source of sources) session.open(source, filter);
  } catch (error) {
    session.close();
    throw error;
  }
  return session.parts();
}

function addressesOf(records: TopologyRecords, name: string): string[] {
  const endpoints = findNamed(records.containers(), name)?.sandbox?.endpoints ?? [];
  return endpoints.flatMap(({ v4, v6 }) => [v4, v6].flatMap((part) => part?.address ?? []));
}

interface Watched {
  readonly socket: PacketSocket;
  readonly numbers: Map<number, number>;
  /** Frames that were lost, and how many of them have been told. */
  dropped: number;
  told: number;
}

class Session {
  readonly #options: CaptureOptions;
  readonly #records: TopologyRecords;
  readonly #format: CaptureFormat;
  readonly #queue = new ListenerQueue<Buffer>(BACKLOG, (block) => block.length);
  readonly #watched: Watched[] = [];
  readonly #snapLength: number;
  #interfaces = 0;
  #left: number;

  constructor(records: TopologyRecords, options: CaptureOptions) {
    this.#records = records;
    this.#options = options;
    const book = new AddressBook(records);
    this.#format = CAPTURE_FORMATS[options.format]((address) => book.ownerOf(address));
    const wanted = options.snapLength ?? this.#format.snapLength;
    this.#snapLength = Math.min(Math.max(wanted, SNAP_LENGTH_LEAST), SNAP_LENGTH_MOST);
    this.#left = options.count ?? Number.POSITIVE_INFINITY;
    for (const part of this.#format.begin(options.target, this.#names())) this.#queue.push(part, true);
  }

  open(source: CaptureSource, filter: FilterNode | undefined): void {
    const { name, netns, wants = () => 'all' as const } = source;
    using route = RouteClient.open(netns);
    const links = new Map(
      route.links().flatMap((link) => {
        const wanted = ETHERNET.includes(link.type) ? wants(link) : undefined;
        return wanted === undefined ? [] : [[link.index, { link, wanted }] as const];
      }),
    );
    const nodes = [source.filter, filter].filter((node) => node !== undefined);
    const program = compileFilter(
      nodes.length > 1 ? { kind: 'and', nodes } : nodes[0],
      this.#snapLength,
      // A namespace of a container is seen whole, with interfaces that come later.
      source.wants === undefined ? undefined : [...links.keys()],
    );
    const socket = PacketSocket.open({ netns, snapLength: this.#snapLength, filter: program });
    const watched: Watched = { socket, numbers: new Map(), dropped: 0, told: 0 };
    this.#watched.push(watched);
    socket.watch(() => {
      for (const frame of socket.receive()) {
        let known = links.get(frame.link);
        if (known === undefined && source.wants === undefined) {
          const link = findLink(frame.link, netns);
          known = link && { link, wanted: 'all' };
          if (known !== undefined) links.set(frame.link, known);
        }
        if (known !== undefined && isWanted(frame, known)) this.#take(watched, name, known.link, frame);
      }
    });
  }

  async *parts(): AsyncGenerator<Buffer> {
    const { signal } = this.#options;
    const end = () => this.#queue.close();
    signal.addEventListener('abort', end, { once: true });
    if (signal.aborted || this.#left <= 0) end();
    const timer = setInterval(() => this.#tellLosses(), LOOK);
    try {
      for await (const batch of this.#queue.batches()) yield Buffer.concat(batch);
    } finally {
      clearInterval(timer);
      signal.removeEventListener('abort', end);
      this.close();
    }
  }

  close(): void {
    for (const { socket } of this.#watched) socket.close();
  }

  #take(watched: Watched, name: string, link: Link, frame: Frame): void {
    if (this.#left <= 0) return;
    let number = watched.numbers.get(link.index);
    if (number === undefined) {
      number = this.#interfaces++;
      watched.numbers.set(link.index, number);
      const seen = { where: name, link: link.name, snapLength: this.#snapLength };
      for (const part of this.#format.interface(seen)) this.#queue.push(part, true);
    }
    const { time, data, length } = frame;
    const direction = frame.direction === 'outgoing' ? 'out' : 'in';
    this.#queue.push(this.#format.packet({ interface: number, time, data, length, direction }));
    this.#left--;
    if (this.#left <= 0) {
      this.#tellLosses();
      this.#queue.close();
    }
  }

  /** Of a namespace as a whole: the kernel does not tell whose interface's they were. They stand with its first. */
  #tellLosses(): void {
    const slow = this.#queue.takeLost();
    for (const [index, watched] of this.#watched.entries()) {
      const lost = watched.socket.lost() + (index === 0 ? slow : 0);
      const [number] = watched.numbers.values();
      watched.dropped += lost;
      if (lost === 0 || number === undefined) continue;
      const time = BigInt(Date.now()) * 1_000_000n;
      const losses = {
        interface: number,
        time,
        lost: watched.dropped - watched.told,
        total: watched.dropped,
      };
      watched.told = watched.dropped;
      this.#queue.push(this.#format.losses(losses), true);
    }
  }

  /** Containers by their addresses, for whoever reads the file elsewhere. */
  #names(): Array<{ bytes: Uint8Array; name: string }> {
    return this.#records
      .containers()
      .flatMap(({ name, sandbox }) =>
        (sandbox?.endpoints ?? [])
          .flatMap(({ v4, v6 }) => [v4, v6].flatMap((part) => part?.address ?? []))
          .map((address) => ({ bytes: Ip.parse(address).toBytes(), name })),
      );
  }
}

/** A loopback interface shows every packet twice, as it goes out and as it comes in: once is enough. */
function isWanted(
  { direction }: Frame,
  { link, wanted }: { link: Link; wanted: 'all' | 'in' | 'out' },
): boolean {
  const isOut = direction === 'outgoing';
  return (wanted === 'all' || (wanted === 'out') === isOut) && !(link.loopback && isOut);
}

function findLink(index: number, netns: string | undefined): Link | undefined {
  using route = RouteClient.open(netns);
  const link = route.findLink(index);
  return link !== undefined && ETHERNET.includes(link.type) ? link : undefined;
}
