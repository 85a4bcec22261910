import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { loadavg } from 'node:os';
import { text } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { silentLog } from '../../base/log.ts';
import { type NetnsHandle, warmThreadPool } from '../../kernel/netns/index.ts';
import { type BoundSocket, closeSocket, openUdpSocket } from '../../kernel/sockets.ts';
import { type TestNetworks, testNetworks } from '../../kernel/testing/netns.ts';
import { DnsServer } from './index.ts';
import type { LoadResult } from './testing/load.ts';

/** Questions per second, and seconds. The aim is 5,000 a second with one dead upstream, p99 within 50 ms, on a machine at leisure. */
const RATE = 5000;
const SECONDS = 2;
const PROGRAM = fileURLToPath(new URL('./testing/load.ts', import.meta.url));

describe('the resolver under load', () => {
  let networks: TestNetworks;
  let netns: NetnsHandle;
  let dns: DnsServer;
  let dead: BoundSocket;
  const children: ChildProcess[] = [];
  const start = (...args: string[]) => {
    const node = [process.execPath, '--disable-warning=ExperimentalWarning', PROGRAM, ...args];
    const child = spawn('nsenter', [`--net=${netns.path}`, ...node], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.push(child);
    return child;
  };
  before(async () => {
    await warmThreadPool();
    networks = testNetworks();
    netns = networks.create('load');
    dns = new DnsServer({ log: silentLog });
    dns.setNetwork({
      id: 'n',
      name: 'net',
      subnets: ['172.18.0.0/16'],
      hosts: [{ endpointId: 'e', names: ['db'], addresses: ['172.18.0.2'] }],
    });
    const upstreams = ['127.0.0.90', '127.0.0.91'].map((address) => ({
      address,
      from: 'container' as const,
    }));
    dns.serve({ id: 's', netns, networks: ['n'], links: [], internal: false, upstreams });
    // Takes every question and answers none.
    dead = openUdpSocket({ netns, address: '127.0.0.90', port: 53 });
    await once(start('serve', '127.0.0.91', '5').stdout, 'data');
  });
  after(() => {
    for (const child of children) child.kill('SIGKILL');
    if (dead) closeSocket(dead);
    dns?.[Symbol.dispose]();
    networks?.[Symbol.dispose]();
  });

  for (const [kind, what] of [
    ['unique', 'names nobody asked for before, the first upstream dead, the second answers after 5 ms'],
    ['same', 'one external name, from the cache'],
    ['db', 'a container’s name'],
  ] as const) {
    it(`${RATE} questions a second are answered, as reported: ${what}`, { timeout: 30_000 }, async (t) => {
      const before = process.cpuUsage();
      const child = start('ask', String(RATE), String(SECONDS), kind);
      const result = JSON.parse(await text(child.stdout!)) as LoadResult;
      const { user, system } = process.cpuUsage(before);
      const ms = (value: number) => value.toFixed(1);
      t.diagnostic(
        `${result.answered} of ${result.sent} answered, ${result.failed} of these refused; p50 ${ms(result.p50)} ms, ` +
          `p99 ${ms(result.p99)} ms, max ${ms(result.max)} ms; ` +
          `${((user + system) / result.sent).toFixed(0)} µs of CPU each; load average ${loadavg()[0]?.toFixed(1)}`,
      );
      assert.ok(result.answered > 0);
    });
  }
});
