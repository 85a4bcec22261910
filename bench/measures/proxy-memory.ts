/** Memory of the one process that holds the ports. What dockerd takes for 500 of them is measured by `ports-500`. */

import { type Measure, medianGoal } from '../measure.ts';
import type { Side } from '../sides/side.ts';

/** IPv4 alone: a port of both families takes two descriptors, and not everybody may raise the limit of 20,000 that some have. */
const HOST = '0.0.0.0';
const RANGES = [
  { proto: 'tcp', first: 20_000, count: 1000 },
  { proto: 'udp', first: 30_000, count: 16_384 },
] as const;
const label = (proto: string, count: number) => `${count} ${proto} ports: RSS of the process for ports`;
const [tcp, udp] = RANGES.map(({ proto, count }) => label(proto, count)) as [string, string];

async function publish(side: Side, { proto, first, count }: (typeof RANGES)[number]) {
  const ports = Array.from({ length: count }, (_, index) => first + index);
  const id = await side.create({
    exposed: ports.map((port) => `${port}/${proto}`),
    hostConfig: {
      PortBindings: Object.fromEntries(
        ports.map((port) => [`${port}/${proto}`, [{ HostIp: HOST, HostPort: `${port}` }]]),
      ),
    },
  });
  await side.api('POST', `/v1.41/containers/${id}/start`);
}

export const proxyMemory: Measure = {
  name: 'proxy-memory',
  claim: 'any number of ports costs one process of at most 64 MB',
  rounds: 3,
  warmUps: 0,
  async round(side, read) {
    if (side.name === 'peer') return; // 17,384 ports would be 34,768 processes
    for (const range of RANGES) {
      await publish(side, range);
      for (const { role, count, rss, pss } of side.memory()) {
        if (role !== 'ports') continue;
        read(`${range.count} ${range.proto} ports: processes`, count, 'count');
        read(label(range.proto, range.count), rss, 'MB');
        read(`${range.count} ${range.proto} ports: its PSS`, pss, 'MB');
      }
      await side.clear();
    }
  },
  goals: [
    medianGoal(tcp, 64, 'MB', 'keeper ≤ 64 MB in all with 1,000 TCP ports'),
    medianGoal(udp, 64, 'MB', 'keeper ≤ 64 MB in all with 16,384 UDP ports'),
  ],
};
