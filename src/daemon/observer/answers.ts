/** What the observer answers, by path: one value, or a stream. */

import { hostname } from 'node:os';
import { silentLog } from '../../base/log.ts';
import type { ExplainLanguage } from '../../base/wire/index.ts';
import { openCapture } from '../../observe/capture/capture.ts';
import { kernelCounters } from '../../observe/firewall/kernel.ts';
import { flows } from '../../observe/flows/stream.ts';
import { MetricsCollector } from '../../observe/metrics/collect.ts';
import { readTopology } from '../../observe/topology/map.ts';
import { readTraffic } from '../../observe/topology/traffic.ts';
import { VERSION } from '../version.ts';
import { dockerDoctor } from './doctor.ts';
import { errorLog } from './error-log.ts';
import { dockerExplainer, dockerExposure } from './explain.ts';
import type { DockerRecords } from './records.ts';
import { DOCKER_SETTINGS } from './settings.ts';

export type ObserverQuery = Readonly<Record<string, string>>;

type Answer = (query: ObserverQuery, records: DockerRecords) => Promise<unknown>;
/** Throws before it gives anything for what cannot be asked. */
type Stream = (
  query: ObserverQuery,
  records: DockerRecords,
  signal: AbortSignal,
) => AsyncIterable<string | Buffer>;

const languageOf = ({ lang }: ObserverQuery): ExplainLanguage => (lang === 'ko' ? 'ko' : 'en');
const dropCounters = ({ intent }: DockerRecords) => ({
  name: DOCKER_SETTINGS.firewall,
  intent,
  counters: kernelCounters,
});
const number = (text: string | undefined) => (text === undefined || text === '' ? undefined : Number(text));

export const ANSWERS: Readonly<Record<string, Answer>> = {
  '/bridgeport/rules': (query, records) => dockerExplainer(records).rules(languageOf(query)),
  '/bridgeport/why': (query, records) =>
    dockerExplainer(records).why({
      from: query.from ?? '',
      to: query.to ?? '',
      service: query.service,
      family: query.family === '6' ? 6 : query.family === '4' ? 4 : undefined,
      language: languageOf(query),
      probe: query.probe === '1',
    }),
  '/bridgeport/exposure': (query, records) => dockerExposure(records, languageOf(query)),
  '/bridgeport/map': async ({ traffic }, records) => ({
    ...readTopology(records, {
      ...{ ...DOCKER_SETTINGS, kernelServes: true },
      ...{ hostname: hostname(), log: silentLog },
    }),
    ...(traffic === '1' ? { traffic: readTraffic() } : {}),
  }),
  '/bridgeport/traffic': async () => readTraffic(),
  '/bridgeport/doctor': (query, records) => dockerDoctor(records, languageOf(query)),
  '/metrics': (_query, records) =>
    new MetricsCollector({
      version: VERSION,
      records,
      firewall: dropCounters(records),
      daemon: undefined,
      log: errorLog,
    }).collect(),
};

export const STREAMS: Readonly<Record<string, Stream>> = {
  '/bridgeport/flows'(query, records, signal) {
    const batches = flows(
      { records, firewall: dropCounters(records), log: silentLog },
      {
        follow: query.follow === '1',
        drops: query.drops !== '0',
        container: query.container || undefined,
        signal,
      },
    );
    return jsonLines(batches);
  },
  '/bridgeport/capture': (query, records, signal) =>
    openCapture(records, {
      target: query.target ?? '',
      filter: query.filter ?? '',
      count: number(query.count),
      snapLength: number(query.snaplen),
      format: query.format === 'json' ? 'json' : 'pcapng',
      signal,
    }),
};

async function* jsonLines(batches: AsyncIterable<readonly unknown[]>): AsyncGenerator<string> {
  for await (const lines of batches) yield lines.map((line) => `${JSON.stringify(line)}\n`).join('');
}
