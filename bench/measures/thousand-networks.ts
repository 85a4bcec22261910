/**
 * A thousand networks made and removed: does one more cost what the first ones cost? With both firewall backends, for theirs is what could
 * grow. The peer's cost grows so fast that it makes fewer.
 */

import { type Measure, type Read, timed } from '../measure.ts';
import { startSide } from '../sides/daemons.ts';
import type { Side } from '../sides/side.ts';
import { median } from '../stats.ts';

const COUNT = 1000;
const COUNT_OF_PEER = 60;
/** How many at either end are compared. */
const END = { ours: 100, peer: 20 } as const;

const growth = (backend: string) => `${backend}: last hundred over first`;

/** A /24 for each: the pools of a default daemon hold 31 networks. */
function body(number: number): object {
  const Subnet = `10.${100 + (number >> 8)}.${number & 255}.0/24`;
  return { Name: `bench-${number}`, IPAM: { Config: [{ Subnet }] } };
}

async function makeAndRemove(side: Side, backend: string, read: Read): Promise<void> {
  const count = side.name === 'ours' ? COUNT : COUNT_OF_PEER;
  const end = END[side.name];
  const made: number[] = [];
  const removed: number[] = [];
  const ids: string[] = [];
  for (let number = 0; number < count; number++) {
    made.push(
      await timed(async () => {
        const answer = await side.api('POST', '/v1.41/networks/create', body(number));
        ids.push((JSON.parse(answer) as { Id: string }).Id);
      }),
    );
  }
  read(`${backend}: network ls of all`, await timed(() => side.api('GET', '/v1.41/networks')));
  // The last made go first: the cost of the last hundred made is compared to that of the first, and the other way round.
  for (const id of ids.reverse()) {
    removed.push(await timed(() => side.api('DELETE', `/v1.41/networks/${id}`)));
  }
  const [first = 0, last = 0] = [median(made.slice(0, end)), median(made.slice(-end))];
  read(`${backend}: create, first ${end}`, first);
  read(`${backend}: create, last ${end} of ${count}`, last);
  read(`${backend}: rm, first ${end} (all are there)`, median(removed.slice(0, end)) ?? 0);
  read(`${backend}: rm, last ${end}`, median(removed.slice(-end)) ?? 0);
  read(growth(backend), last / first, '×');
}

export const thousandNetworks: Measure = {
  name: 'thousand-networks',
  claim: `of ${COUNT} networks the last cost what the first did`,
  rounds: 1,
  warmUps: 0,
  async round(side, read) {
    await makeAndRemove(side, 'iptables', read);
    if (side.name === 'peer') return;
    const other = await startSide('ours', { config: { 'firewall-backend': 'nftables' } });
    try {
      await makeAndRemove(other, 'nftables', read);
    } finally {
      await other.host.dispose();
    }
  },
  profile: 'decisions/0016-a-thousand-networks.md',
  goals: [growth('iptables'), growth('nftables')].map((label) => ({
    text: `${COUNT} networks, ${label} ≤ 1.5 ×`,
    bound: 1.5,
    unit: '×',
    value: (results) => results.median('ours', label),
  })),
};
