import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { considerer } from '../explain/why/consider.ts';
import { PORT, RECORDS } from '../explain/why/testing/ask.ts';
import { B, type Changes, iptables, listener, twoContainers } from '../packet/testing/snapshots.ts';
import type { ExposedPort } from './exposure.ts';
import { withWays } from './ways.ts';

const EXPOSED: ExposedPort = {
  exposure: {
    container: { id: B, name: 'b' },
    network: 'bridge',
    proto: 'tcp',
    containerPort: 80,
    hostIp: '0.0.0.0',
    hostPort: 8080,
    reach: 'world',
    from: ['10.9.0.0/24 on eth0'],
    otherNetworks: true,
    notes: [],
    deciders: [],
  },
  mapping: PORT,
  bound: [{ address: '10.9.0.1', prefixLength: 24, link: 'eth0', network: '10.9.0.0/24 on eth0' }],
};

async function judge(changes: Changes, exposure: Partial<ExposedPort['exposure']> = {}) {
  const settings = { engine: 'Bridgeport', firewall: 'none', userlandProxy: true } as const;
  const reader = { read: async () => twoContainers(changes) };
  const consider = considerer({
    records: RECORDS,
    settings,
    reader,
    programOf: () => undefined,
    language: 'en',
  });
  const port = { ...EXPOSED, exposure: { ...EXPOSED.exposure, ...exposure } };
  const [judged] = await withWays([port], consider, RECORDS);
  assert.ok(judged !== undefined);
  const ways = judged.ways?.map(
    ({ from, open, closedBy }) => `${from} ${open} ${closedBy?.rule ?? closedBy?.kind ?? ''}`,
  );
  return { reach: judged.reach, from: judged.from, ways: ways?.map((way) => way.trim()) };
}

/** The proxy serves the port; these rules stand before it. */
const behind = (...rules: string[]): Changes => ({
  host: {
    sockets: [listener('0.0.0.0', 8080)],
    firewall: iptables(['*filter', ':INPUT ACCEPT [0:0]', ...rules, 'COMMIT', ''].join('\n')),
  },
});

describe('`withWays()`', () => {
  it('leaves an open port as it is', async () => {
    assert.deepEqual(await judge(behind()), {
      reach: 'world',
      from: ['10.9.0.0/24 on eth0'],
      ways: ['host true', '10.9.0.0/24 on eth0 true', 'world true'],
    });
  });

  it('takes away whom a rule keeps off, and names it', async () => {
    const rule = '-A INPUT ! -s 10.9.0.0/24 -i eth0 -p tcp -m tcp --dport 8080 -j DROP';
    assert.deepEqual(await judge(behind(rule)), {
      reach: 'lan',
      from: ['10.9.0.0/24 on eth0'],
      ways: ['host true', '10.9.0.0/24 on eth0 true', `world false ${rule}`],
    });
    const all = '-A INPUT -i eth0 -p tcp -m tcp --dport 8080 -j DROP';
    const { reach, from } = await judge(behind(all));
    assert.deepEqual([reach, from], ['host', []]);
    assert.equal((await judge(behind('-A INPUT -p tcp -m tcp --dport 8080 -j DROP'))).reach, 'nobody');
  });

  it('claims nothing where a rule cannot be decided', async () => {
    const { reach, ways } = await judge(behind('-A INPUT -i eth0 -m recent --rcheck -j DROP'));
    assert.deepEqual([reach, ways], ['world', ['host true', '10.9.0.0/24 on eth0 null', 'world null']]);
  });

  it('does not take a service that is down for a closed port', async () => {
    const { reach, ways } = await judge({ ...behind(), b: { sockets: [] } });
    assert.deepEqual([reach, ways?.at(-1)], ['world', 'world true']);
  });

  it('asks for nobody outside where the port is the host’s alone, and for nobody at all where it leads nowhere', async () => {
    assert.deepEqual((await judge(behind(), { reach: 'host' })).ways, ['host true']);
    assert.equal((await judge(behind(), { reach: 'nobody' })).ways, undefined);
    assert.equal((await judge(behind(), { proto: 'sctp' })).ways, undefined);
  });
});
