/** How long ports are without a listener when the proxy is killed. docker-proxy does not come back: there is nothing to compare. */

import { setTimeout as sleep } from 'node:timers/promises';
import { socketAddress } from '../../src/kernel/epoll/sockaddr.ts';
import { SOCK_STREAM } from '../../src/kernel/epoll/socket.ts';
import { check, libc } from '../../src/kernel/ffi/libc.ts';
import { withNetns } from '../../src/kernel/netns/index.ts';
import { type Measure, medianGoal } from '../measure.ts';
import { PROXIED } from '../sides/servers.ts';
import type { Side } from '../sides/side.ts';

const FIRST = 20_000;
const RANGE = 500;
/** Milliseconds a new keeper has to live for its successor to be started at once. */
const HEALTHY_LIFE = 2100;
const PATIENCE = 10_000;

const one = 'one port: killed to listening';
const many = `${RANGE} ports: killed to all listening`;

/** Whether somebody listens on the port of the side's host; a matter of microseconds. */
function listens(side: Side, port: number): boolean {
  return withNetns(`/run/netns/${side.host.name}`, () => {
    const { family, bytes } = socketAddress(PROXIED, port);
    const fd = check(libc().socket(family, SOCK_STREAM, 0), 'open a socket');
    const connected = libc().connect(fd, bytes, bytes.length) === 0;
    libc().close(fd);
    return connected;
  });
}

async function until(side: Side, port: number, wanted: boolean): Promise<void> {
  const deadline = performance.now() + PATIENCE;
  while (listens(side, port) !== wanted) {
    if (performance.now() > deadline) throw new Error(`port ${port}: no change`);
    if (wanted) await sleep(1);
  }
}

async function kill(side: Side, count: number): Promise<number> {
  const ports = Array.from({ length: count }, (_, index) => `${FIRST + index}`);
  const id = await side.create({
    exposed: ports.map((port) => `${port}/tcp`),
    hostConfig: {
      PortBindings: Object.fromEntries(ports.map((port) => [`${port}/tcp`, [{ HostPort: port }]])),
    },
  });
  await side.api('POST', `/v1.41/containers/${id}/start`);
  await sleep(HEALTHY_LIFE);
  const last = FIRST + count - 1;
  const pid = side.memory().find(({ role }) => role === 'ports')?.pids[0];
  if (pid === undefined) throw new Error(`${side.program} has no process for ports`);
  const since = performance.now();
  process.kill(pid, 'SIGKILL');
  await until(side, last, false);
  await until(side, last, true);
  const took = performance.now() - since;
  await side.clear();
  return took;
}

export const proxyRestart: Measure = {
  name: 'proxy-restart',
  claim: 'a proxy that is killed is replaced so soon that hardly anybody notices',
  rounds: 7,
  async round(side, read) {
    if (side.name === 'peer') return;
    read(one, await kill(side, 1));
    read(many, await kill(side, RANGE));
  },
  profile: 'proxy-costs.md#a-keeper-that-is-killed',
  goals: [
    medianGoal(one, 100, 'ms', 'listeners bound again within 100 ms after the keeper is killed'),
    medianGoal(many, 100, 'ms', `the same with ${RANGE} ports`),
  ],
};
