/** Many ports of a container that runs: published and taken away again, ours alone (dockerd would need ten minutes, and a restart). */

import { Pings } from '../load/pings.ts';
import { type Measure, medianGoal, type Read, timed } from '../measure.ts';
import type { Side } from '../sides/side.ts';

const FIRST = 20_000;

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

/** Exposed and published by `-P`. */
const EXPOSED = 1000;

const up = ({ label }: Case) => `${label} up`;
const down = ({ label }: Case) => `${label} down`;

const others = (label: string) => `${label}: longest answer to others`;

async function upAndDown(side: Side, read: Read, pings: Pings, id: string, one: Case): Promise<void> {
  const { count, proto, shift, hostIp } = one;
  const PortBindings = Object.fromEntries(
    Array.from({ length: count }, (_, index) => [
      `${FIRST + index}/${proto}`,
      [{ HostIp: hostIp, HostPort: `${FIRST + shift + index}` }],
    ]),
  );
  const path = `/bridgeport/containers/${id}/ports`;
  await withOthers(read, pings, up(one), () => side.api('POST', path, { PortBindings }));
  const keeper = side.memory().find(({ role }) => role === 'ports');
  if (keeper !== undefined) {
    read('processes for ports', keeper.count, 'count');
    read(`${one.label}: their PSS`, keeper.pss, 'MB');
  }
  if (one === UDP) {
    await withOthers(read, pings, 'inspect of 16,384 ports', () =>
      side.api('GET', `/v1.41/containers/${id}/json`),
    );
    await withOthers(read, pings, 'ps with 16,384 ports', () => side.api('GET', '/v1.41/containers/json'));
  }
  await withOthers(read, pings, down(one), () => side.api('DELETE', path, { PortBindings }));
}

async function publishAll(side: Side, read: Read, pings: Pings): Promise<void> {
  const exposed = Array.from({ length: EXPOSED }, (_, index) => `${1000 + index}/tcp`);
  const id = await side.create({ exposed, hostConfig: { PublishAllPorts: true } });
  await withOthers(read, pings, '-P with 1,000 ports: start', () =>
    side.api('POST', `/v1.41/containers/${id}/start`),
  );
}

/** Time of `work`, and how long somebody else's request had to wait for its answer at most. */
async function withOthers(
  read: Read,
  pings: Pings,
  label: string,
  work: () => Promise<unknown>,
): Promise<void> {
  await pings.longest();
  read(label, await timed(work));
  read(others(label), await pings.longest());
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
    await using pings = new Pings(side);
    for (const one of [TCP, SHIFTED, UDP]) await upAndDown(side, read, pings, id, one);
    await publishAll(side, read, pings);
    await side.clear();
  },
  goals: [
    ...[TCP, SHIFTED].flatMap((one) => [
      medianGoal(up(one), 150, 'ms', `${one.label} up in ≤ 150 ms`),
      medianGoal(down(one), 150, 'ms', `${one.label} down in ≤ 150 ms`),
    ]),
    medianGoal(up(UDP), 1000, 'ms', '16,384 UDP ports up in ≤ 1 s'),
    ...[up(UDP), down(UDP), 'inspect of 16,384 ports', 'ps with 16,384 ports'].map((label) =>
      medianGoal(others(label), 20, 'ms', `${label}: others are answered within 20 ms`),
    ),
    medianGoal(`${UDP.label}: their PSS`, 64, 'MB', '≤ 64 MB in all'),
    medianGoal('processes for ports', 1, 'count', 'no process added'),
  ],
};
