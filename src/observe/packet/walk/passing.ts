/** A packet at one hook of a namespace: its chains, connection tracking, and what undoes translations for answers. Pure. */

import { Ip } from '../../../base/ip.ts';
import { type HookContext, type HookResult, runHook } from '../evaluate.ts';
import { type Connection, copyPacket, newConnection, type Packet, sameSide } from '../packet.ts';
import { addressType, interfaceAddress, lookUpRoute } from '../routing.ts';
import type { Hook } from '../rulebook.ts';
import { linkByName, type Namespace } from '../snapshot.ts';
import type { Cause, Hop } from './hops.ts';

/** The parts of a hook, by priority: connection tracking is asked at -200, destinations are translated at -100, sources at 100. */
type Part = {
  readonly from?: number;
  readonly to?: number;
  readonly begins?: 'tracking' | 'destination' | 'source';
};
const EARLY: readonly Part[] = [
  { to: -201 },
  { from: -200, to: -101, begins: 'tracking' },
  { from: -100, begins: 'destination' },
];
const LATE: readonly Part[] = [{ to: 99 }, { from: 100, begins: 'source' }];

/** What happened at a hook, and why the packet goes no further, if so. */
export interface Passing {
  readonly hops: readonly Hop[];
  readonly cause?: Cause;
}

/** Remembers the one connection of a walk, in each namespace that it passes. */
export class HookTracker {
  readonly #connections = new Map<string, Connection>();

  /** Asks a hook's chains, with tracking and the undoing of translations in their places. */
  pass(namespace: Namespace, hook: Hook, packet: Packet, bridged: boolean): Passing {
    const isEarly = hook === 'prerouting' || hook === 'output';
    const context = contextOf(namespace);
    const begin = copyPacket(packet);
    const results: HookResult[] = [];
    let back: Hop | undefined;
    for (const range of isEarly ? EARLY : LATE) {
      if (range.begins === 'tracking') this.#track(namespace, packet);
      if (range.begins === 'destination') back = this.#translateBack(namespace, packet, 'destination');
      if (range.begins === 'source' && hook !== 'forward') {
        back = this.#translateBack(namespace, packet, 'source');
      }
      const result = runHook(namespace.firewall, hook, packet, context, range);
      results.push(result);
      if (result.outcome !== 'accept') break;
    }
    const last = results.at(-1);
    const asked: Hop = {
      kind: 'asked',
      namespace: namespace.id,
      packet: begin,
      hook,
      bridged,
      hits: results.flatMap(({ hits }) => hits),
      doubts: results.flatMap(({ doubts }) => doubts),
      outcome: last?.outcome ?? 'accept',
    };
    const hops = back === undefined ? [asked] : [asked, back];
    const by = last?.by;
    if (last === undefined || by === undefined) return { hops };
    return {
      hops,
      cause:
        'rule' in by
          ? { kind: 'rule', rule: by.rule, hook, outcome: last.outcome }
          : { kind: 'policy', chain: by.policyOf, hook },
    };
  }

  #track(namespace: Namespace, packet: Packet): void {
    let connection = this.#connections.get(namespace.id);
    if (connection === undefined) {
      connection = newConnection(packet);
      this.#connections.set(namespace.id, connection);
    }
    packet.connection = connection;
  }

  /** An answer gets back the address that the question was sent to, or came from. */
  #translateBack(namespace: Namespace, packet: Packet, what: 'destination' | 'source'): Hop | undefined {
    const { connection } = packet;
    if (packet.direction !== 'reply' || connection === undefined || connection.invalid) return undefined;
    const [was, is] =
      what === 'destination'
        ? [connection.original.source, connection.translated.source]
        : [connection.original.destination, connection.translated.destination];
    if (sameSide(was, is) || !sameSide(packet[what], is)) return undefined;
    const change = { what, from: packet[what], to: was };
    const begin = copyPacket(packet);
    packet[what] = was;
    return { kind: 'translated-back', namespace: namespace.id, packet: begin, change };
  }
}

/** What rules may ask of a namespace's routes and addresses. */
function contextOf(namespace: Namespace): HookContext {
  return {
    addressType: (value, family) => addressType(namespace, new Ip(family, value)),
    reversePath: ({ source, input }) => {
      const back = lookUpRoute(namespace, { destination: source.ip });
      return back.kind === 'unknown' ? undefined : back.kind === 'forward' && back.output === input;
    },
    sourceFor: ({ output, destination, family }) => {
      const link = output === undefined ? undefined : linkByName(namespace, output);
      const answer = lookUpRoute(namespace, { destination: destination.ip });
      const near = answer.kind === 'forward' ? answer.nextHop : destination.ip;
      return interfaceAddress(namespace, link?.index, family, near);
    },
    redirectTo: ({ input, family }) => {
      if (input === undefined) return Ip.parse(family === 4 ? '127.0.0.1' : '::1');
      return interfaceAddress(namespace, linkByName(namespace, input)?.index, family, undefined);
    },
  };
}
