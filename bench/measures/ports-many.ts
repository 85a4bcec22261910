/** Many ports of a container that runs: published and taken away again, ours alone (dockerd would need ten minutes, and a restart). */

import { setTimeout as sleep } from 'node:timers/promises';
import { type Measure, medianGoal, type Read, timed } from '../measure.ts';
import type { Side } from '../sides/side.ts';

const FIRST = 20_000;
/** Milliseconds between two other requests meanwhile. */
const PING_PAUSE = 2;

interface Case {
  label: string;
  count: number;
  proto: 'tcp' | 'udp';
  /** Added to the container's port: with 0, a range is one rule. */
  shift: number;
  /** Empty: both families, two sockets for a port. */
  hostIp: string;
}

const TCP: Case = { label: '1,000 TCP ports', count: 1000, proto: 'tcp', shift: 0, hostIp: '' };
const SHIFTED: Case = { ...TCP, label: '1,000 TCP ports, shifted', shift: 10_000 };
/** On IPv4 alone: with both families it would be more files than most limits allow. */
const UDP: Case = { label: '16,384 UDP ports', count: 16_384, proto: 'udp', shift: 0, hostIp: '0.0.0.0' };

const up = ({ label }: Case) => `${label} up`;
const down = ({ label }: Case) => `${label} down`;

async function upAndDown(side: Side, read: Read, id: string, one: Case): Promise<void> {
  const { count, proto, shift, hostIp } = one;
  const PortBindings = Object.fromEntries(
    Array.from({ length: count }, (_, index) => [
      `${FIRST + index}/${proto}`,
      [{ HostIp: hostIp, HostPort: `${FIRST + shift + index}` }],
    ]),
  );
  const path = `/bridgeport/containers/${id}/ports`;
  await withOthers(side, read, up(one), () => side.api('POST', path, { PortBindings }));
  const keeper = side.memory().find(({ role }) => role === 'ports');
  if (keeper !== undefined) {
    read('processes for ports', keeper.count, 'count');
    read(`${one.label}: their PSS`, keeper.pss, 'MB');
  }
  await withOthers(side, read, down(one), () => side.api('DELETE', path, { PortBindings }));
}

/** Time of `work`, and how long somebody else's request had to wait for its answer at most. */
async function withOthers(
  side: Side,
  read: Read,
  label: string,
  work: () => Promise<unknown>,
): Promise<void> {
  let isOver = false;
  let longest = 0;
  const others = (async () => {
    while (!isOver) {
      longest = Math.max(longest, await timed(() => side.api('GET', '/_ping')));
      await sleep(PING_PAUSE);
    }
  })();
  read(label, await timed(work));
  isOver = true;
  await others;
  read(`${label}: longest answer to others`, longest);
}

export const portsMany: Measure = {
  name: 'ports-many',
  claim:
    'any number of ports of a running container comes and goes at once, in one process, and others are answered meanwhile',
  rounds: 7,
  async round(side, read) {
    if (side.name !== 'ours') return;
    const id = await side.create();
    await side.api('POST', `/v1.41/containers/${id}/start`);
    for (const one of [TCP, SHIFTED, UDP]) await upAndDown(side, read, id, one);
    await side.clear();
  },
  goals: [
    ...[TCP, SHIFTED].flatMap((one) => [
      medianGoal(up(one), 150, 'ms', `${one.label} up in ≤ 150 ms`),
      medianGoal(down(one), 150, 'ms', `${one.label} down in ≤ 150 ms`),
    ]),
    medianGoal(up(UDP), 1000, 'ms', '16,384 UDP ports up in ≤ 1 s'),
    medianGoal(`${UDP.label}: their PSS`, 64, 'MB', '≤ 64 MB in all'),
    medianGoal('processes for ports', 1, 'count', 'no process added'),
  ],
};
