/** `GET /bridgeport/flows`: the connections there are, or what happens to them. Nothing runs while nobody listens. */

import { setImmediate as turn } from 'node:timers/promises';
import { messageOf, notFound } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { FlowDrop, FlowLine } from '../../base/wire/index.ts';
import { ConntrackClient, type ConntrackEvent, watchConntrack } from '../../kernel/netlink/index.ts';
import type { FirewallIntent } from '../../network/firewall/index.ts';
import {
  type FirewallName,
  type RuleCounterSources,
  type RuleDrops,
  readRuleDrops,
} from '../firewall/drops.ts';
import { ListenerQueue } from '../listener-queue.ts';
import { findNamed } from '../topology/find.ts';
import type { TopologyRecords } from '../topology/records.ts';
import { readTimeouts, type Span } from './age.ts';
import { concerns, flowOf } from './flow.ts';
import { AddressBook } from './names.ts';

export interface FlowSources {
  readonly records: TopologyRecords;
  readonly firewall: {
    readonly name: FirewallName;
    intent(): FirewallIntent;
    readonly counters: RuleCounterSources;
  };
  readonly log: Log;
}

export interface FlowOptions {
  /** Tells what happens from now on, until `signal`; otherwise what there is, and that is all. */
  readonly follow: boolean;
  /** With `follow`: tells of packets that rules drop too. */
  readonly drops: boolean;
  /** Only connections of this container, by its name or id. */
  readonly container: string | undefined;
  readonly signal: AbortSignal;
}

/** Connections that are told at once. */
const CHUNK = 1000;
/** Lines that wait for a listener who is slower. */
const BACKLOG = 20_000;
/** Milliseconds between two looks at the counters of rules: each costs two programs of iptables. */
const LOOK = 1000;

/**
 * Many lines at a time, where there are many.
 *
 * @throws `not-found` at once for a container that nobody knows
 */
export function flows(sources: FlowSources, options: FlowOptions): AsyncGenerator<FlowLine[]> {
  const { container: ref } = options;
  return tell(sources, { ...options, container: ref && addressed(sources.records, ref) });
}

/** The name that the addresses of a container have: its own, or that of whose network it uses. */
function addressed(records: TopologyRecords, ref: string): string {
  const containers = records.containers();
  const found = findNamed(containers, ref);
  if (found === undefined) {
    // One that is gone may have left connections.
    if (records.pastOwners?.().some(({ containerName }) => containerName === ref)) return ref;
    throw notFound(`no container ${JSON.stringify(ref)}`);
  }
  const owner = containers.find(({ id }) => id === found.sharesWith) ?? found;
  const onHost = records
    .networks()
    .some(({ id, driver }) => driver === 'host' && owner.networkIds.includes(id));
  return onHost ? 'host' : owner.name;
}

async function* tell(sources: FlowSources, options: FlowOptions): AsyncGenerator<FlowLine[]> {
  const { container, follow } = options;
  const book = new AddressBook(sources.records);
  const owner = (address: string, then?: Span) => book.ownerOf(address, then);
  const timeouts = readTimeouts();
  const isAsked = (line: FlowLine) =>
    container === undefined || !('client' in line) || concerns(line, container);
  if (!follow) {
    const time = new Date().toISOString();
    using client = ConntrackClient.open();
    const entries = client.list();
    for (let at = 0; at < entries.length; at += CHUNK) {
      yield entries
        .slice(at, at + CHUNK)
        .map((entry) => flowOf('open', entry, time, owner, timeouts))
        .filter(isAsked);
      // A full table is hundreds of thousands: others get their turn.
      await turn();
    }
    return;
  }
  const queue = new ListenerQueue<FlowLine>(BACKLOG);
  const end = () => queue.close();
  options.signal.addEventListener('abort', end, { once: true });
  if (options.signal.aborted) end();
  const lines = (event: ConntrackEvent): FlowLine => {
    const time = new Date().toISOString();
    return event.change === 'lost'
      ? { event: 'notice', time, what: 'lost' }
      : flowOf(event.change, event.entry, time, owner, timeouts);
  };
  using _watch = watchConntrack({ onEvent: (event) => queue.push(lines(event)) });
  using _drops = options.drops ? watchDrops(sources, (line) => queue.push(line)) : undefined;
  try {
    for await (const batch of queue.batches()) {
      if (queue.takeLost() > 0) batch.push({ event: 'notice', time: new Date().toISOString(), what: 'lost' });
      const asked = batch.filter(isAsked);
      if (asked.length > 0) yield asked;
    }
  } finally {
    options.signal.removeEventListener('abort', end);
  }
}

/** Compares the counters of rules that drop with those of the look before. */
function watchDrops({ records, firewall, log }: FlowSources, tell: (line: FlowLine) => void): Disposable {
  if (firewall.name === 'none') tell({ event: 'notice', time: new Date().toISOString(), what: 'no-drops' });
  let before: Map<string, RuleDrops> | undefined;
  let timer: NodeJS.Timeout | undefined;
  let isEnded = false;
  const look = async () => {
    try {
      const drops = await readRuleDrops(firewall.name, firewall.intent(), firewall.counters);
      if (isEnded) return;
      const now = new Map(drops.map((drop) => [`${drop.family} ${drop.chain} ${drop.rule}`, drop]));
      for (const line of newDrops(before, now, networkNames(records))) tell(line);
      before = now;
    } catch (error) {
      log.warn({ error: messageOf(error) }, 'cannot read the counters of rules');
    }
    if (!isEnded) timer = setTimeout(look, LOOK);
  };
  if (firewall.name !== 'none') void look();
  return {
    [Symbol.dispose]() {
      isEnded = true;
      clearTimeout(timer);
    },
  };
}

const networkNames = (records: TopologyRecords) =>
  new Map(records.networks().map(({ id, name }) => [id, name]));

/** Pure. A counter that went back began anew: the rule was written again. */
export function newDrops(
  before: ReadonlyMap<string, RuleDrops> | undefined,
  now: ReadonlyMap<string, RuleDrops>,
  networks: ReadonlyMap<string, string>,
): FlowDrop[] {
  if (before === undefined) return [];
  const time = new Date().toISOString();
  return [...now].flatMap(([key, { chain, rule, origin, packets, bytes }]) => {
    const earlier = before.get(key);
    const base = earlier === undefined || earlier.packets > packets ? { packets: 0, bytes: 0 } : earlier;
    if (packets === base.packets) return [];
    const network = origin?.networkId === undefined ? undefined : networks.get(origin.networkId);
    return [
      {
        event: 'drop' as const,
        time,
        chain,
        rule,
        ...(origin && { reason: origin.key }),
        ...(network && { network }),
        packets: packets - base.packets,
        bytes: bytes - base.bytes,
      },
    ];
  });
}
