/**
 * The embedded resolver under a steady rate of questions from inside a container, whatever the answers do (an open loop: who waits for
 * answers before asking more measures the pace of the slowest). Of the two name servers the first is dead. Ours alone.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { LoadResult } from '../../src/network/dns/testing/load.ts';
import { FAR_IP, WORLD_IP } from '../../test/harness/host.ts';
import { type Measure, medianGoal } from '../measure.ts';
import { startSide } from '../sides/daemons.ts';

/** Questions a second, and for how many seconds. */
const RATE = 5000;
const SECONDS = 5;
/** Milliseconds that the live name server takes. */
const DISTANCE = 5;
/** In turn: a name that nobody has asked for, one from the cache, names of containers. */
const KINDS = 'unique,same,server,server.bench';
const PROGRAM = join(import.meta.dirname, '../../src/network/dns/testing/load.ts');
const P99 = 'p99 of an answer';

function program(enter: readonly string[], ...args: string[]): ChildProcess {
  const [nsenter = '', ...words] = enter;
  const node = [process.execPath, '--disable-warning=ExperimentalWarning', PROGRAM, ...args];
  return spawn(nsenter, [...words, ...node], { stdio: ['ignore', 'pipe', 'inherit'] });
}

export const dnsLoad: Measure = {
  name: 'dns-load',
  claim: `the resolver answers ${RATE} questions a second, one of its two name servers dead, 99 of 100 within 50 ms`,
  rounds: 3,
  async round(side, read) {
    if (side.name === 'peer') return;
    const ours = await startSide('ours', { config: { dns: [FAR_IP, WORLD_IP] } });
    const servers = [
      program(ours.host.world.enter, 'silent', FAR_IP),
      program(ours.host.world.enter, 'serve', WORLD_IP, `${DISTANCE}`),
    ];
    try {
      await Promise.all(servers.map((child) => once(child.stdout as NodeJS.ReadableStream, 'data')));
      await ours.api('POST', '/v1.41/networks/create', { Name: 'bench' });
      const start = async (name: string) => {
        const id = await ours.create({ name, hostConfig: { NetworkMode: 'bench' } });
        await ours.api('POST', `/v1.41/containers/${id}/start`);
        const answer = await ours.api('GET', `/v1.41/containers/${id}/json`);
        return (JSON.parse(answer) as { State: { Pid: number } }).State.Pid;
      };
      await start('server');
      const pid = await start('client');
      const cpu = ours.cpuTime();
      const child = program(
        ['nsenter', `--net=/proc/${pid}/ns/net`, '--'],
        ...['ask', `${RATE}`, `${SECONDS}`, KINDS],
      );
      const result = JSON.parse(await text(child.stdout as NodeJS.ReadableStream)) as LoadResult;
      read('p50 of an answer', result.p50);
      read(P99, result.p99);
      read('the slowest', result.max);
      read('not answered, of 1,000', ((result.sent - result.answered) / result.sent) * 1000, 'count');
      read('refused, of 1,000', (result.failed / result.sent) * 1000, 'count');
      read('CPU time of 1,000', ((ours.cpuTime() - cpu) / result.sent) * 1000);
    } finally {
      for (const child of servers) child.kill('SIGKILL');
      await ours.host.dispose();
    }
  },
  goals: [medianGoal(P99, 50, 'ms', `${RATE} questions a second, one name server dead: p99 ≤ 50 ms`)],
};
