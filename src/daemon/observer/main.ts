/**
 * The observer: what a daemon answers below `/bridgeport/`, for an engine that does not have it. The command line asks a Docker Engine
 * for its containers and networks, and starts this program with them on standard input; it reads the kernel of the machine it runs on
 * and writes the answer to standard output. It needs root, as a daemon does.
 *
 * ```
 * { "path": "/bridgeport/why", "query": { "from": "a", "to": "b" }, "docker": { "containers": […], "networks": […] } }
 * { "status": 200, "body": … }
 * ```
 */

import { hostname } from 'node:os';
import { text } from 'node:stream/consumers';
import { isKind, messageOf, notFound } from '../../base/errors.ts';
import { silentLog } from '../../base/log.ts';
import type { ExplainLanguage } from '../../base/wire/index.ts';
import { warmThreadPool } from '../../kernel/netns/index.ts';
import { Explainer } from '../../observe/explain/explainer.ts';
import type { ExplainRecords } from '../../observe/explain/records.ts';
import { readTopology } from '../../observe/topology/map.ts';
import { readTraffic } from '../../observe/topology/traffic.ts';
import { type DockerAnswers, dockerRecords } from './records.ts';
import { DOCKER_SETTINGS } from './settings.ts';

interface Request {
  path: string;
  query: Readonly<Record<string, string>>;
  docker: DockerAnswers;
}

type Answer = (query: Request['query'], records: ExplainRecords) => Promise<unknown>;

const explainer = (records: ExplainRecords) => new Explainer({ ...DOCKER_SETTINGS, records, log: silentLog });
const languageOf = ({ lang }: Request['query']): ExplainLanguage => (lang === 'ko' ? 'ko' : 'en');

const ANSWERS: Readonly<Record<string, Answer>> = {
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
  '/bridgeport/traffic': async () => readTraffic(),
  '/bridgeport/map': async (_query, records) =>
    readTopology(records, { ...DOCKER_SETTINGS, kernelServes: true, hostname: hostname(), log: silentLog }),
};

async function main(): Promise<void> {
  await warmThreadPool();
  const { path, query, docker } = JSON.parse(await text(process.stdin)) as Request;
  const write = (status: number, body: unknown) => process.stdout.write(JSON.stringify({ status, body }));
  try {
    const answer = ANSWERS[path];
    if (answer === undefined) throw notFound(`the observer does not answer ${path}`);
    write(200, await answer(query, dockerRecords(docker)));
  } catch (error) {
    write(isKind(error, 'not-found') ? 404 : isKind(error, 'invalid') ? 400 : 500, {
      message: messageOf(error),
    });
  }
}

await main();
