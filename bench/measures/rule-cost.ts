/**
 * What a packet pays for rules when many ports are published: with one, and with two thousand. Of ourselves only, with both
 * backends; the goal is nftables's, whose maps are there for it.
 */

import { HOST_IP } from '../../test/harness/host.ts';
import type { Measure, Read } from '../measure.ts';
import { Packets } from '../packets.ts';
import { startSide } from '../sides/daemons.ts';
import type { Side } from '../sides/side.ts';

const BACKENDS = ['nftables', 'iptables'] as const;
const MANY = 2000;
const PORT = 9000;
const SERVER_PORT = 9;
/** Looks at the one and at the other by turns, so that whatever else the machine does meets both. */
const TURNS = 20;
const ROUND_TRIPS = 2000;
const FLOWS = 2000;
/** Of so many looks the quickest counts: a look that somebody disturbed says nothing about rules. */
const LOOKS = 5;

const KEPT = 'round trip on a known flow';
const FIRST = 'first packet of a flow';
const label = (backend: string, what: string, ports: number) =>
  `${backend}: ${what}, ${ports} ${ports === 1 ? 'port' : 'ports'}`;

async function start(
  side: Side,
  ports: ReadonlyArray<readonly [host: number, container: number]>,
): Promise<string> {
  const bindings = ports.map(([host, container]) => [`${container}/udp`, [{ HostPort: `${host}` }]] as const);
  const id = await side.create({
    exposed: bindings.map(([port]) => port),
    hostConfig: { PortBindings: Object.fromEntries(bindings) },
  });
  await side.api('POST', `/v1.41/containers/${id}/start`);
  return id;
}

/** Not in step with the host's, so that each is a rule or an element of its own, and ahead of the one that is asked. */
const OTHERS = Array.from({ length: MANY - 1 }, (_, index) => [10_000 + 2 * index, 10_001 + index] as const);

/** A daemon of its own whose host has so many published ports, and the way to one of them. */
async function startHost(backend: string, ports: number): Promise<{ side: Side; packets: Packets }> {
  const side = await startSide('ours', { config: { 'firewall-backend': backend } });
  const asked = await start(side, [[PORT, SERVER_PORT]]);
  if (ports > 1) await start(side, OTHERS);
  const { State } = JSON.parse(await side.api('GET', `/v1.41/containers/${asked}/json`)) as {
    State: { Pid: number };
  };
  const packets = new Packets(
    {
      client: `/run/netns/${side.host.world.name}`,
      host: `/run/netns/${side.host.name}`,
      server: `/proc/${State.Pid}/ns/net`,
      address: HOST_IP,
      port: PORT,
      serverPort: SERVER_PORT,
    },
    FLOWS,
  );
  return { side, packets };
}

async function measure(backend: string, read: Read): Promise<void> {
  const hosts = [
    { ports: 1, ...(await startHost(backend, 1)) },
    { ports: MANY, ...(await startHost(backend, MANY)) },
  ];
  try {
    for (const { packets } of hosts) packets.firstPackets();
    for (const [what, look] of [
      [KEPT, (packets: Packets) => packets.roundTrips(ROUND_TRIPS)],
      [FIRST, (packets: Packets) => packets.firstPackets()],
    ] as const) {
      for (let turn = 0; turn < TURNS; turn++) {
        const looks = hosts.map((): number[] => []);
        for (let count = 0; count < LOOKS; count++) {
          for (const [index, { packets }] of hosts.entries()) looks[index]?.push(look(packets));
        }
        for (const [index, { ports }] of hosts.entries()) {
          read(label(backend, what, ports), Math.min(...(looks[index] ?? [])), 'µs');
        }
      }
    }
  } finally {
    for (const { side, packets } of hosts) {
      packets[Symbol.dispose]();
      await side.host.dispose();
    }
  }
}

export const ruleCost: Measure = {
  name: 'rule-cost',
  claim: `with nftables a packet costs the same whether one port is published or ${MANY}`,
  rounds: 1,
  warmUps: 0,
  async round(side, read) {
    if (side.name === 'peer') return;
    for (const backend of BACKENDS) await measure(backend, read);
  },
  goals: [KEPT, FIRST].map((what) => ({
    text: `nftables, ${what}: with ${MANY} published ports ≤ 1.05 × with 1`,
    bound: 1.05,
    unit: '×',
    value: (results) => {
      const [many, one] = [MANY, 1].map((ports) => results.median('ours', label('nftables', what, ports)));
      return many === undefined || one === undefined ? undefined : many / one;
    },
  })),
};
