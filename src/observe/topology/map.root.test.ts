import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { silentLog } from '../../base/log.ts';
import { RouteClient } from '../../kernel/netlink/index.ts';
import { type NetnsHandle, warmThreadPool, withNetns } from '../../kernel/netns/index.ts';
import { writeSysctl } from '../../kernel/sysctl.ts';
import { type TestNetworks, testNetworks } from '../../kernel/testing/netns.ts';
import type { EndpointSpec, NetworkSpec } from '../../network/model/index.ts';
import { readTopology } from './map.ts';
import type { TopologyContainer, TopologyRecords } from './records.ts';
import { withVeths } from './veths.ts';

const network = (id: string, name: string, driver: string): NetworkSpec => ({
  id,
  name,
  driver,
  createdAt: '2026-01-01T00:00:00Z',
  internal: false,
  attachable: false,
  enableIPv4: true,
  enableIPv6: false,
  ipam: { driver: 'default', options: {}, subnets: [] },
  options: {},
  labels: {},
});

const bridge: NetworkSpec = {
  ...network('b'.repeat(64), 'bridge', 'bridge'),
  ipam: { driver: 'default', options: {}, subnets: [{ subnet: '172.17.0.0/16', gateway: '172.17.0.1' }] },
  bridge: {
    name: 'docker0',
    isDefault: true,
    icc: true,
    masquerade: true,
    hostBindingV4: '',
    mtu: 1500,
    gatewayModeV4: 'nat',
    gatewayModeV6: 'nat',
  },
};

const endpoint = {
  id: 'e'.repeat(64),
  networkId: bridge.id,
  containerId: 'c'.repeat(64),
  sandboxId: 's'.repeat(64),
  ifname: 'eth0',
  hostVeth: 'vethaaaaaaa',
  mac: '02:42:ac:11:00:02',
  v4: { address: '172.17.0.2', prefixLength: 16, gateway: '172.17.0.1' },
  aliases: [],
  gatewayPriority: 0,
  driverOptions: {},
} satisfies EndpointSpec;

const container = (fields: Partial<TopologyContainer>): TopologyContainer => ({
  id: 'c'.repeat(64),
  name: 'web',
  image: 'web',
  state: 'running',
  pid: 42,
  networkIds: [bridge.id],
  sharesWith: undefined,
  sandbox: undefined,
  exposedPorts: [],
  publishes: [],
  labels: {},
  links: [],
  names: {},
  ...fields,
});

describe('readTopology()', () => {
  let networks: TestNetworks;
  let host: NetnsHandle;
  let box: NetnsHandle;
  let route: RouteClient;

  const read = (containers: TopologyContainer[]) => {
    const records: TopologyRecords = {
      networks: () => [network('n'.repeat(64), 'none', 'null'), bridge],
      containers: () => containers,
    };
    const settings = { kernelServes: true, userlandProxy: true, firewall: 'iptables', hostname: 'box' };
    return readTopology(records, { ...settings, netns: host, log: silentLog });
  };

  before(async () => {
    await warmThreadPool();
    networks = testNetworks();
    host = networks.create('host');
    box = networks.create('box');
    const world = networks.create('world');
    route = RouteClient.open(host);
    withNetns(host, () => writeSysctl('net/ipv4/ip_forward', 1));
    const out = route.addLink({
      kind: 'veth',
      name: 'eth0',
      up: true,
      peer: { name: 'eth0', netns: world },
    });
    route.addAddress({ link: out.index, address: '192.0.2.7', prefixLength: 24 });
    route.addRoute({ destination: 'default', gateway: '192.0.2.1', link: out.index });
    const docker0 = route.addLink({ kind: 'bridge', name: 'docker0', mac: '02:42:00:00:00:01', up: true });
    route.addAddress({ link: docker0.index, address: '172.17.0.1', prefixLength: 16 });
    route.addLink({ kind: 'bridge', name: 'storage', mtu: 9000 });
    route.addLink({
      kind: 'veth',
      name: endpoint.hostVeth,
      up: true,
      master: docker0.index,
      peer: { name: 'eth0', netns: box, mac: endpoint.mac },
    });
    using inside = RouteClient.open(box);
    inside.addAddress({ link: inside.link('eth0').index, address: '172.17.0.2', prefixLength: 16 });
  });
  after(() => {
    route?.close();
    networks?.[Symbol.dispose]();
  });

  it('`readTopology()` shows what leads out of the host, the way to the world first', () => {
    const { host: shown } = read([]);
    assert.equal(shown.name, 'box');
    assert.equal(shown.ipForward, true);
    assert.deepEqual(
      shown.interfaces.map(({ name, up, mtu, addresses, defaultRoute }) => ({
        name,
        up,
        mtu,
        addresses,
        defaultRoute,
      })),
      [
        {
          name: 'eth0',
          up: true,
          mtu: 1500,
          addresses: ['192.0.2.7/24'],
          defaultRoute: { gateway: '192.0.2.1' },
        },
        { name: 'storage', up: false, mtu: 9000, addresses: [], defaultRoute: undefined },
      ],
    );
  });

  it('`readTopology()` shows the bridge as the kernel has it, and the default network first', () => {
    const map = read([]);
    assert.deepEqual(
      map.networks.map(({ name }) => name),
      ['bridge', 'none'],
    );
    const link = route.link('docker0');
    assert.deepEqual(map.networks[0]?.bridge, {
      name: 'docker0',
      index: link.index,
      mac: '02:42:00:00:00:01',
      mtu: 1500,
      up: true,
      addresses: ['172.17.0.1/16'],
    });
    assert.equal(map.networks[1]?.bridge, undefined);
  });

  it('`readTopology()` finds both ends of the pair, and reads addresses inside', () => {
    const [shown] = read([
      container({
        sandbox: { path: box.path, endpoints: [endpoint], ports: [] },
        exposedPorts: ['80/tcp'],
        links: [{ to: 'db', alias: 'store' }],
      }),
    ]).endpoints;
    using inside = RouteClient.open(box);
    assert.deepEqual(shown, {
      networkId: bridge.id,
      container: { id: 'c'.repeat(64), name: 'web', image: 'web', state: 'running', pid: 42 },
      hostVeth: { name: endpoint.hostVeth, index: route.link(endpoint.hostVeth).index },
      inside: { name: 'eth0', index: inside.link('eth0').index },
      mac: endpoint.mac,
      addresses: ['172.17.0.2/16'],
      ports: [],
      exposed: ['80/tcp'],
      links: [{ to: 'db', alias: 'store' }],
    });
    // The kernel agrees that these two are one pair.
    assert.equal(route.link(endpoint.hostVeth).link, shown.inside?.index);
  });

  it('`withVeths()` names both ends where only addresses are known, as of another engine', () => {
    const named = (one: EndpointSpec) => {
      const sandbox = { path: box.path, endpoints: [one], ports: [] };
      const [{ ifname, hostVeth } = anonymous] =
        withVeths([container({ sandbox })], host)[0]?.sandbox?.endpoints ?? [];
      return [ifname, hostVeth];
    };
    const anonymous = { ...endpoint, ifname: '', hostVeth: '' };
    const otherMac = { ...anonymous, mac: '02:42:ac:11:00:99' };
    const otherAddress = { address: '172.17.0.9', prefixLength: 16 };
    assert.deepEqual(named(otherMac), ['eth0', endpoint.hostVeth]);
    assert.deepEqual(named({ ...anonymous, v4: otherAddress }), ['eth0', endpoint.hostVeth]);
    assert.deepEqual(named({ ...otherMac, v4: otherAddress }), ['', '']);
  });

  it('`readTopology()` tells who uses the network of a container too', () => {
    const sandbox = { path: box.path, endpoints: [endpoint], ports: [] };
    const guest = container({
      id: 'd'.repeat(64),
      name: 'guest',
      networkIds: [],
      sharesWith: 'c'.repeat(64),
    });
    const { endpoints } = read([guest, container({ sandbox })]);
    assert.deepEqual(
      endpoints.map((shown) => [shown.container.name, shown.sharedBy?.map(({ name }) => name)]),
      [['web', ['guest']]],
    );
  });

  it('`readTopology()` tells the truth when somebody changed it by hand', () => {
    using inside = RouteClient.open(box);
    const { index } = inside.link('eth0');
    inside.addAddress({ link: index, address: '10.9.9.9', prefixLength: 32 });
    try {
      const sandbox = { path: box.path, endpoints: [endpoint], ports: [] };
      assert.deepEqual(read([container({ sandbox })]).endpoints[0]?.addresses, [
        '172.17.0.2/16',
        '10.9.9.9/32',
      ]);
    } finally {
      inside.deleteAddress({ link: index, address: '10.9.9.9', prefixLength: 32 });
    }
  });

  it('`readTopology()` shows a sandbox that is gone, and a container that does not run, without interfaces', () => {
    const sandbox = { path: `${box.path}-gone`, endpoints: [endpoint], ports: [] };
    const [gone, stopped] = read([
      container({ sandbox }),
      container({ name: 'x', state: 'exited', pid: 0 }),
    ]).endpoints;
    assert.equal(gone?.inside, undefined);
    assert.deepEqual(gone?.addresses, []);
    assert.equal(stopped?.hostVeth, undefined);
    assert.equal(stopped?.container.pid, undefined);
  });
});
