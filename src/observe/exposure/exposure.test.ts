import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Ip } from '../../base/ip.ts';
import type { FirewallIntent, NetworkIntent } from '../../network/firewall/index.ts';
import type { PortMapping } from '../../network/model/index.ts';
import { type ExposureFacts, isGlobal, portExposures } from './exposure.ts';

const NONE = { forward: [], input: [] };
const LAN = { address: '10.0.0.5', prefixLength: 24, link: 'eth0' };
const LAN6 = { address: 'fd00::5', prefixLength: 64, link: 'eth0' };
const PUBLIC = { address: '8.8.4.4', prefixLength: 28, link: 'eth1' };
const REST = [
  { address: '127.0.0.1', prefixLength: 8, link: 'lo' },
  { address: '172.17.0.1', prefixLength: 16, link: 'docker0' },
  { address: 'fe80::1', prefixLength: 64, link: 'eth0' },
];

const port = (fields: Partial<PortMapping> = {}): PortMapping => ({
  endpointId: 'e1',
  proto: 'tcp',
  containerIp: '172.17.0.2',
  containerPort: 80,
  hostIp: '0.0.0.0',
  hostPort: 8080,
  ...fields,
});

function exposure(
  mapping: PortMapping,
  network: Partial<NetworkIntent> = {},
  facts: Partial<Omit<ExposureFacts, 'intent'>> & { intent?: Partial<FirewallIntent> } = {},
) {
  const { intent, ...rest } = facts;
  const [found] = portExposures({
    intent: {
      enabled: { v4: true, v6: true },
      userlandProxy: true,
      forwardDrop: { v4: true, v6: true },
      networks: [
        {
          id: 'n1',
          name: 'bridge',
          bridge: 'docker0',
          internal: false,
          icc: true,
          masquerade: true,
          v4: { subnets: ['172.17.0.0/16'], mode: 'nat' },
          ports: [mapping],
          links: [],
          ...network,
        },
      ],
      ...intent,
    },
    kernelServes: true,
    addresses: [LAN, ...REST],
    containerOf: (id) => (id === 'e1' ? { id: 'c1', name: 'web' } : undefined),
    deciders: { 4: NONE, 6: NONE },
    ...rest,
  }).map(({ exposure }) => exposure);
  assert.ok(found);
  const { reach, from, otherNetworks, notes, deciders } = found;
  return { reach, from, otherNetworks, notes, deciders };
}

describe('portExposures()', () => {
  const open = { from: ['10.0.0.0/24 on eth0'], otherNetworks: true, notes: [], deciders: [] };

  test('on all addresses: the LAN where the host has only private ones, the world where it has another', () => {
    assert.deepEqual(exposure(port()), { reach: 'lan', ...open });
    const both = exposure(port(), {}, { addresses: [LAN, PUBLIC, ...REST] });
    assert.deepEqual([both.reach, both.from], ['world', ['10.0.0.0/24 on eth0', '8.8.4.0/28 on eth1']]);
    const v6 = port({ hostIp: '::', containerIp: 'fd01::2' });
    const dual = { v6: { subnets: ['fd01::/64'], mode: 'nat' as const } };
    assert.deepEqual(exposure(v6, dual, { addresses: [LAN, LAN6, ...REST] }).from, ['fd00::/64 on eth0']);
    assert.deepEqual(exposure(v6, dual), {
      reach: 'nobody',
      from: [],
      otherNetworks: false,
      notes: ['the host has no IPv6 address'],
      deciders: [],
    });
  });

  test('on one address: its network; on loopback: the host; on one that the host lost: nobody', () => {
    const { addresses } = { addresses: [LAN, PUBLIC, ...REST] };
    assert.deepEqual(exposure(port({ hostIp: '10.0.0.5' }), {}, { addresses }), { reach: 'lan', ...open });
    assert.equal(exposure(port({ hostIp: '8.8.4.4' }), {}, { addresses }).reach, 'world');
    const local = exposure(port({ hostIp: '127.0.0.1' }));
    assert.deepEqual([local.reach, local.otherNetworks], ['host', false]);
    const lost = exposure(port({ hostIp: '10.0.0.9' }));
    assert.deepEqual([lost.reach, lost.notes], ['nobody', ['the host does not have the address 10.0.0.9']]);
  });

  test('routed: who has a route; closed networks: nobody', () => {
    const routed = (subnet: string) => ({ v4: { subnets: [subnet], mode: 'routed' as const } });
    assert.deepEqual(exposure(port({ hostPort: 0 }), routed('172.17.0.0/16')), {
      ...{ reach: 'lan', from: ['a route to 172.17.0.0/16'] },
      ...{ otherNetworks: true, notes: [], deciders: [] },
    });
    const global = exposure(port({ hostPort: 0, containerIp: '8.8.8.8' }), routed('8.8.8.0/24'));
    assert.equal(global.reach, 'world');
    assert.equal(exposure(port({ hostPort: 0, hostIp: '127.0.0.1' }), routed('172.17.0.0/16')).reach, 'host');
    assert.equal(exposure(port(), { internal: true }).reach, 'nobody');
  });

  test('what opens the container besides the port is told', () => {
    const route = 'whoever has a route to 172.17.0.0/16';
    const notes = (...more: [Partial<NetworkIntent>?, Parameters<typeof exposure>[2]?]) =>
      exposure(port(), ...more).notes;
    const unprotected = { v4: { subnets: ['172.17.0.0/16'], mode: 'nat-unprotected' as const } };
    assert.deepEqual(notes(unprotected), [`every port of 172.17.0.2 is open to ${route}`]);
    assert.deepEqual(notes({}, { kernelServes: false }), [`every port of 172.17.0.2 is open to ${route}`]);
    assert.deepEqual(notes({ trustedHostInterfaces: ['wg0', 'tun0'] }), [
      '172.17.0.2 port 80/tcp is open to neighbours on wg0, tun0',
    ]);
    assert.deepEqual(notes({}, { intent: { allowDirectRouting: true } }), [
      `172.17.0.2 port 80/tcp is open to ${route}`,
    ]);
  });

  test('the rules that decide are those on the way: forwarded, or to the proxy; none where nothing is open', () => {
    const deciders = {
      4: { forward: ['DOCKER-USER'], input: ['INPUT'] },
      6: { forward: [], input: ['INPUT of v6'] },
    };
    const asked = (mapping: PortMapping, more: Parameters<typeof exposure>[2] = {}) =>
      exposure(mapping, {}, { deciders, addresses: [LAN, LAN6, ...REST], ...more }).deciders;
    assert.deepEqual(asked(port()), ['DOCKER-USER']);
    assert.deepEqual(asked(port(), { kernelServes: false }), ['INPUT']);
    assert.deepEqual(
      asked(port({ hostIp: '::' })),
      ['INPUT of v6'],
      'from family to family the proxy serves',
    );
    assert.deepEqual(asked(port({ hostIp: '127.0.0.1' })), []);
  });
});

test('`isGlobal()` tells addresses of the Internet from all others', () => {
  const [yes, no] = [
    ['8.8.8.8', '172.32.0.1', '2606:4700::1111'],
    [
      '10.1.1.1',
      '100.64.3.3',
      '172.31.0.1',
      '192.168.0.1',
      '169.254.1.1',
      '203.0.113.9',
      'fd00::1',
      'fe80::1',
      '::1',
      '2001:db8::1',
    ],
  ];
  assert.deepEqual(
    yes.map((ip) => isGlobal(Ip.parse(ip))),
    yes.map(() => true),
  );
  assert.deepEqual(
    no.map((ip) => isGlobal(Ip.parse(ip))),
    no.map(() => false),
  );
});
