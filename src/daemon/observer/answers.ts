/** What the observer answers, by path: one value, or a stream. */

import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { silentLog } from '../../base/log.ts';
import type { ExplainLanguage } from '../../base/wire/index.ts';
import { parseResolvConf } from '../../network/dns/index.ts';
import { openCapture } from '../../observe/capture/capture.ts';
import { examine } from '../../observe/doctor/examine.ts';
import type { NameServer } from '../../observe/doctor/read/resolver.ts';
import { readSnapshot } from '../../observe/doctor/read/snapshot.ts';
import { Explainer } from '../../observe/explain/explainer.ts';
import type { ExplainRecords } from '../../observe/explain/records.ts';
import { kernelCounters } from '../../observe/firewall/kernel.ts';
import { flows } from '../../observe/flows/stream.ts';
import { readTopology } from '../../observe/topology/map.ts';
import { readTraffic } from '../../observe/topology/traffic.ts';
import { withVeths } from '../../observe/topology/veths.ts';
import { DOCKER_SETTINGS } from './settings.ts';

export type ObserverQuery = Readonly<Record<string, string>>;

type Answer = (query: ObserverQuery, records: ExplainRecords) => Promise<unknown>;
/** Throws before it gives anything for what cannot be asked. */
type Stream = (
  query: ObserverQuery,
  records: ExplainRecords,
  signal: AbortSignal,
) => AsyncIterable<string | Buffer>;

const explainer = (records: ExplainRecords) => new Explainer({ ...DOCKER_SETTINGS, records, log: silentLog });
const languageOf = ({ lang }: ObserverQuery): ExplainLanguage => (lang === 'ko' ? 'ko' : 'en');
const number = (text: string | undefined) => (text === undefined || text === '' ? undefined : Number(text));

/** With the names of interfaces, which Docker does not tell. */
function wired(records: ExplainRecords): ExplainRecords {
  const containers = withVeths(records.containers());
  return { ...records, containers: () => containers };
}

export const ANSWERS: Readonly<Record<string, Answer>> = {
  '/bridgeport/rules': (query, records) => explainer(records).rules(languageOf(query)),
  '/bridgeport/why': (query, records) =>
    explainer(records).why({
      from: query.from ?? '',
      to: query.to ?? '',
      service: query.service,
      family: query.family === '6' ? 6 : query.family === '4' ? 4 : undefined,
      language: languageOf(query),
      probe: query.probe === '1',
    }),
  '/bridgeport/map': async (_query, records) =>
    readTopology(records, { ...DOCKER_SETTINGS, kernelServes: true, hostname: hostname(), log: silentLog }),
  '/bridgeport/traffic': async () => readTraffic(),
  '/bridgeport/doctor': async (query, records) =>
    examine(await readSnapshot(doctorSources(wired(records))), {
      host: hostname(),
      language: languageOf(query),
      without: UNKNOWN_OF_DOCKER,
    }),
};

export const STREAMS: Readonly<Record<string, Stream>> = {
  async *'/bridgeport/flows'(query, records, signal) {
    const firewall = {
      name: DOCKER_SETTINGS.firewall,
      intent: () => intentOf(records),
      counters: kernelCounters,
    };
    const batches = flows(
      { records, firewall, log: silentLog },
      {
        follow: query.follow === '1',
        drops: query.drops !== '0',
        container: query.container || undefined,
        signal,
      },
    );
    for await (const lines of batches) yield lines.map((line) => `${JSON.stringify(line)}\n`).join('');
  },
  '/bridgeport/capture': (query, records, signal) =>
    openCapture(wired(records), {
      target: query.target ?? '',
      filter: query.filter ?? '',
      count: number(query.count),
      snapLength: number(query.snaplen),
      signal,
    }),
};

function intentOf(records: ExplainRecords) {
  const intent = records.intent();
  if (intent === undefined) throw new Error('the records of a Docker Engine always have an intent');
  return intent;
}

/** Which rules a Docker Engine wants, what it left behind, and what its proxies hold. */
const UNKNOWN_OF_DOCKER = ['rules-missing', 'proxy-down', 'time-wait', 'leftovers'] as const;

function doctorSources(records: ExplainRecords) {
  return {
    records,
    firewall: DOCKER_SETTINGS.firewall,
    intent: () => undefined,
    keeper: { stats: async () => undefined, wanted: () => [], lost: async () => [] },
    nameServers: hostNameServers,
    marks: {
      netnsFolder: '',
      ownerOf: () => undefined,
      roots: [],
      inUse: () => ({ namespaces: [], linkOwners: [], containers: [] }),
    },
  };
}

function hostNameServers(): NameServer[] {
  const { nameservers } = parseResolvConf(readFileSync('/etc/resolv.conf', 'utf8'));
  return nameservers.map((address) => ({ address, port: 53 }));
}
