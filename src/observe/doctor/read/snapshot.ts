/** Reads everything that the checks look at. What cannot be read is said by the checks that would have needed it. */

import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises';
import type { ProxyStats } from '../../../base/proxy-control.ts';
import { listLocalSockets } from '../../../kernel/netlink/index.ts';
import { readConntrackUse } from '../../../kernel/proc/index.ts';
import type { FirewallIntent } from '../../../network/firewall/index.ts';
import type { PortMapping } from '../../../network/model/index.ts';
import type { FirewallName } from '../../firewall/drops.ts';
import type { TopologyRecords } from '../../topology/records.ts';
import type { EngineFacts, Reading, RuleFacts, SandboxFacts, Snapshot } from '../snapshot.ts';
import { readClaims } from './claims.ts';
import { type OwnMarks, readLeftovers } from './leftovers.ts';
import { readHost, readNamespace } from './namespace.ts';
import { type NameServer, probeNameServers } from './resolver.ts';
import { readRules } from './rules.ts';

/** Who knows what should be; whoever has it hands it in. */
export interface DoctorSources {
  readonly engine: EngineFacts;
  readonly records: TopologyRecords;
  readonly firewall: FirewallName;
  /** Undefined where it is not known which rules there should be. */
  intent(): FirewallIntent | undefined;
  readonly keeper: {
    /** Undefined while no keeper runs. */
    stats(): Promise<ProxyStats | undefined>;
    /** Of these mappings those that the keeper should hold. */
    wanted(mappings: readonly PortMapping[]): readonly PortMapping[];
    /** Of these those that it does not hold. */
    lost(mappings: readonly PortMapping[]): Promise<readonly PortMapping[]>;
  };
  nameServers(): readonly NameServer[];
  readonly marks: OwnMarks;
}

/** Milliseconds that a change of the firewall surely takes: a flush is healed in 500. */
const SETTLE = 700;
/** Sandboxes that are read before others get their turn of the loop. */
const TURN = 32;

export async function readSnapshot(sources: DoctorSources): Promise<Snapshot> {
  const { engine, records, firewall } = sources;
  const networks = records.networks();
  const asked = records.containers();
  const [rules, ports, resolver, claims] = await Promise.all([
    reading(() => settledRules(sources)),
    reading(() =>
      readPorts(
        sources,
        asked.flatMap(({ sandbox }) => sandbox?.ports ?? []),
      ),
    ),
    reading(async () => ({ upstreams: await probeNameServers(sources.nameServers()) })),
    reading(() => readClaims(networks, asked)),
  ]);
  // Anew: probes take their time, and what ended meanwhile is no fault.
  const containers = records.containers();
  const sandboxes: SandboxFacts[] = [];
  for (const container of containers) {
    const { sandbox } = container;
    if (sandbox === undefined || sandbox.endpoints.length === 0) continue;
    sandboxes.push({
      container,
      inside: readNow(() => readNamespace(sandbox.path)),
      listeners: readNow(() => (sandbox.ports.length > 0 ? listLocalSockets(sandbox.path) : [])),
    });
    if (sandboxes.length % TURN === 0) await turn();
  }
  return {
    engine,
    firewall,
    networks,
    containers,
    sandboxes,
    // After the probes: what they taught the bridges is in it.
    host: readNow(() => readHost(containers, networks)),
    rules,
    conntrack: readNow(readConntrackUse),
    ports,
    resolver,
    claims,
    leftovers: readNow(() => readLeftovers(sources.marks)),
  };
}

/** A rule is missing when it is so twice: a container may be starting, or a flush being healed. */
async function settledRules({ firewall, intent }: DoctorSources): Promise<RuleFacts> {
  const first = await readRules(firewall, intent());
  if (first.missing.length === 0) return first;
  await sleep(SETTLE);
  const second = await readRules(firewall, intent());
  const before = new Set(first.missing.map(({ text }) => text));
  return { ...second, missing: second.missing.filter(({ text }) => before.has(text)) };
}

async function readPorts({ keeper }: DoctorSources, mappings: readonly PortMapping[]) {
  const wanted = keeper.wanted(mappings);
  const stats = await keeper.stats();
  return { stats, wanted, lost: stats === undefined ? wanted : await keeper.lost(wanted) };
}

async function reading<T>(read: () => Promise<T>): Promise<Reading<T>> {
  try {
    const value = await read();
    return () => value;
  } catch (error) {
    return () => {
      throw error;
    };
  }
}

function readNow<T>(read: () => T): Reading<T> {
  try {
    const value = read();
    return () => value;
  } catch (error) {
    return () => {
      throw error;
    };
  }
}
