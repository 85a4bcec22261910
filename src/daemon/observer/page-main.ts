/**
 * The page for an engine that has none: `page-main.ts SOCKET`. It asks the Docker Engine behind the socket for its containers and
 * networks, each time the page asks, and reads the kernel of the machine it runs on. One line of JSON on standard output tells the
 * address (`{ "url": … }`); it runs until standard input ends, and so no longer than whoever started it. It needs root.
 */

import { hostname } from 'node:os';
import type { Backend, ObserveBackend } from '../../api/backend.ts';
import { messageOf, notImplemented } from '../../base/errors.ts';
import { silentLog } from '../../base/log.ts';
import { warmThreadPool } from '../../kernel/netns/index.ts';
import { kernelCounters } from '../../observe/firewall/kernel.ts';
import { flows } from '../../observe/flows/stream.ts';
import { readTopology } from '../../observe/topology/map.ts';
import { readTraffic } from '../../observe/topology/traffic.ts';
import { PageServer } from '../page.ts';
import { askDocker } from './docker-client.ts';
import { dockerDoctor } from './doctor.ts';
import { dockerExplainer, dockerExposure } from './explain.ts';
import { recordsHere } from './here.ts';
import { DOCKER_SETTINGS } from './settings.ts';

const log = silentLog;

function observeDocker(socketPath: string): ObserveBackend {
  const read = async () => recordsHere(await askDocker(socketPath));
  const explainer = async () => dockerExplainer(await read());
  const absent = (what: string) => async () => {
    throw notImplemented(`${what} of an engine that is not ours`);
  };
  return {
    map: async () =>
      readTopology(await read(), { ...DOCKER_SETTINGS, kernelServes: true, hostname: hostname(), log }),
    traffic: async () => readTraffic(),
    rules: async (language) => (await explainer()).rules(language),
    why: async (question) => (await explainer()).why(question),
    exposure: async (language) => dockerExposure(await read(), language),
    async *flows(query) {
      const records = await read();
      const firewall = { name: DOCKER_SETTINGS.firewall, intent: records.intent, counters: kernelCounters };
      yield* flows({ records, firewall, log }, query);
    },
    // biome-ignore lint/correctness/useYield: it ends before its first block
    async *capture() {
      throw notImplemented('capture of an engine that is not ours');
    },
    ports: absent('ports'),
    metrics: absent('metrics'),
    doctor: async (language) => dockerDoctor(await read(), language),
  };
}

const [socketPath = ''] = process.argv.slice(2);
try {
  await warmThreadPool();
  recordsHere(await askDocker(socketPath));
  // The page's routes look, and look only: they ask for nothing else of a daemon.
  const backend = { observe: observeDocker(socketPath) } as Backend;
  const page = new PageServer({ address: undefined, backend: () => backend, log });
  const { url, release } = await page.open();
  process.stdout.write(`${JSON.stringify({ url })}\n`);
  process.stdin.resume().once('end', async () => {
    await release();
    process.exit(0);
  });
} catch (error) {
  process.stderr.write(`${messageOf(error)}\n`);
  process.exitCode = 1;
}
