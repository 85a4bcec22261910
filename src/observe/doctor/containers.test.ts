import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { LocalSocket } from '../../kernel/netlink/index.ts';
import type { NetworkSpec } from '../../network/model/index.ts';
import type { TopologyContainer } from '../topology/records.ts';
import { recreate, setSysctl } from './commands.ts';
import {
  address,
  commands,
  container,
  found,
  host,
  link,
  network,
  route,
  tables,
  whats,
  whole,
  withRules,
} from './snapshot.testing.ts';
import type { NamespaceFacts } from './snapshot.ts';

describe('checks of what is inside', () => {
  const listening = (...at: Array<[address: string, ipv6Only?: boolean, protocol?: 'tcp' | 'udp']>) => ({
    sandboxes: [
      {
        ...whole.sandboxes[0]!,
        listeners: () =>
          at.map(
            ([address, ipv6Only = false, protocol = 'tcp']): LocalSocket => ({
              protocol,
              address,
              port: 80,
              ipv6Only,
              ...{ family: address.includes(':') ? (6 as const) : (4 as const), link: 0, uid: 0, inode: 1 },
            }),
          ),
      },
    ],
  });
  const inside = (changes: Partial<NamespaceFacts>) => ({
    sandboxes: [
      {
        ...whole.sandboxes[0]!,
        inside: () => ({ ...whole.sandboxes[0]!.inside(), ...changes }),
      },
    ],
  });

  it('a server that does not listen where the published port leads is told, with where it does', () => {
    const told = ['listener-unreached error container web'];
    assert.deepEqual(whats(listening(['127.0.0.1'])), told);
    assert.match(found(listening(['127.0.0.1']))[0]?.text ?? '', /80\/tcp is served at 127\.0\.0\.1 only/);
    assert.deepEqual(whats(listening(['::', true])), told);
    for (const address of ['0.0.0.0', '172.17.0.2', '::', '::ffff:172.17.0.2', '127.0.0.11']) {
      assert.deepEqual(whats(listening([address])), [], address);
    }
    assert.deepEqual(whats(listening(['127.0.0.1'], ['0.0.0.0'])), []);
    assert.deepEqual(whats(listening(['127.0.0.1', false, 'udp'])), []);
  });

  it('a container that has lost its address or its way out is told, and one that a VPN routes for is not', () => {
    const { links } = whole.sandboxes[0]!.inside();
    assert.deepEqual(whats(inside({ routes: [] })), ['default-route-missing warning container web']);
    assert.deepEqual(commands(inside({ routes: [] })), [
      'nsenter --net=/proc/42/ns/net ip route replace default via 172.17.0.1 dev eth0',
    ]);
    assert.deepEqual(whats(inside({ routes: [route({ destination: '0.0.0.0/1', link: 9 })] })), []);
    assert.deepEqual(whats(inside({ addresses: [], routes: [] })), ['address-missing error container web']);
    assert.deepEqual(commands(inside({ addresses: [], routes: [] })), [
      'nsenter --net=/proc/42/ns/net ip address replace 172.17.0.2/16 brd + dev eth0',
      'nsenter --net=/proc/42/ns/net ip route replace default via 172.17.0.1 dev eth0',
    ]);
    const down = { links: links.map((each) => ({ ...each, up: false })), addresses: [], routes: [] };
    assert.deepEqual(whats(inside(down)), ['veth-down error container web']);
  });
});

describe('checks of what a container asked for', () => {
  const made = (changes: Partial<TopologyContainer>, networks: NetworkSpec[] = [network]) => ({
    networks,
    containers: [{ ...container, ...changes }],
  });
  const noPorts = { ...container.sandbox!, ports: [] };
  const lan = { ...network, id: 'l', name: 'lan', driver: 'macvlan', bridge: undefined, parent: {} };
  const none = { ...network, id: 'o', name: 'none', driver: 'null', bridge: undefined };

  it('ports that are published nowhere are told with the reason, and what publishes them', () => {
    const inner = { ...network, id: 'i', name: 'inner', internal: true };
    const on = (spec: object, changes: Partial<TopologyContainer> = {}) =>
      made({ networkIds: [(spec as NetworkSpec).id], sandbox: noPorts, ...changes }, [
        network,
        spec as NetworkSpec,
      ]);
    const told = ['published-nowhere warning container web'];
    assert.deepEqual(whats(on(inner)), told);
    assert.deepEqual(commands(on(inner)), ['docker network connect bridge web']);
    assert.deepEqual(whats(on(lan)), told);
    assert.deepEqual(commands(on(lan)), []);
    assert.deepEqual(commands(on(none)), [
      'docker network disconnect none web',
      'docker network connect bridge web',
    ]);
    assert.deepEqual(whats(on({ ...none, driver: 'host' })), []);
    assert.deepEqual(whats(on(inner, { publishes: [] })), []);
    assert.deepEqual(whats(on(inner, { sandbox: undefined })), []);
  });

  it('labels that mean nothing are told, also those for a port that is not published', () => {
    const label = (name: string) => whats(made({ labels: { [name]: 'v2' } }));
    const told = ['label-unknown warning container web'];
    assert.deepEqual(label('bridgeport.port.80/tcp.proxy-protocol'), []);
    assert.deepEqual(label('bridgeport.port.75-85.proxy-protocol'), []);
    assert.deepEqual(label('com.example.bridgeport.port'), []);
    assert.deepEqual(label('bridgeport.port.80'), told);
    assert.deepEqual(label('bridgeport.port.80.proxy_protocol'), told);
    assert.deepEqual(label('bridgeport.port.8080.proxy-protocol'), told);
  });
});

describe('commands', () => {
  it('a network is made anew with its settings and its members, but for the subnet that is in the way', () => {
    const mine = {
      ...network,
      name: 'mine',
      attachable: true,
      enableIPv4: true,
      enableIPv6: true,
      options: { 'com.docker.network.bridge.enable_icc': 'false' },
      labels: { team: "it's ours" },
      ipam: {
        ...network.ipam,
        subnets: [
          { subnet: '172.17.0.0/16', gateway: '172.17.0.1' },
          { subnet: 'fd12::/64', gateway: 'fd12::1', auxAddresses: { printer: 'fd12::9' } },
          { subnet: 'fd13::/64', gateway: 'fd13::1', fromPool: true as const },
        ],
      },
      bridge: { ...network.bridge!, isDefault: false },
    };
    const [endpoint] = container.sandbox!.endpoints;
    const web = {
      ...container,
      sandbox: {
        ...container.sandbox!,
        endpoints: [{ ...endpoint!, aliases: ['www', 'web'], driverOptions: {}, gatewayPriority: 2 }],
      },
    };
    const idle = { ...container, id: 'd'.repeat(64), name: 'idle', sandbox: undefined };
    const snapshot = { ...whole, networks: [mine], containers: [web, idle] };
    assert.deepEqual(recreate(snapshot, mine, { withoutSubnet: '172.17.0.0/16' }), [
      'docker network disconnect -f mine web',
      'docker network disconnect -f mine idle',
      'docker network rm mine',
      "docker network create --attachable --ipv6 --subnet fd12::/64 --gateway fd12::1 --aux-address printer=fd12::9 -o com.docker.network.bridge.enable_icc=false --label 'team=it'\\''s ours' mine",
      'docker network connect --alias www --gw-priority 2 mine web',
      'docker network connect mine idle',
    ]);
    assert.deepEqual(recreate(snapshot, network as typeof mine), []);
  });

  it('settings of interfaces whose names have dots are written with slashes', () => {
    assert.equal(setSysctl('net/ipv4/ip_forward', 1), 'sysctl -w net.ipv4.ip_forward=1');
    assert.equal(
      setSysctl('net/ipv6/conf/eth0.10/accept_ra', 2),
      'sysctl -w net/ipv6/conf/eth0.10/accept_ra=2',
    );
  });

  it('a rule is taken away as it is, and nothing in it is read by the shell', () => {
    const saved = tables(
      '*filter\n:FORWARD DROP [0:0]\n-A FORWARD -m comment --comment "$(id) it\'s" -j DROP\nCOMMIT\n',
    );
    assert.deepEqual(commands(withRules({ tables: saved })), [
      "iptables -t filter -D FORWARD -m comment --comment '$(id) it'\\''s' -j DROP",
    ]);
  });

  it('what a container takes from another is taken back from the one that was not given it', () => {
    const other = {
      ...container,
      name: 'thief',
      pid: 43,
      sandbox: {
        ...container.sandbox!,
        endpoints: [
          {
            ...container.sandbox!.endpoints[0]!,
            ...{ id: 'f', hostVeth: 'veth2', mac: '02:42:ac:11:00:03' },
            v4: { address: '172.17.0.3', prefixLength: 16, gateway: '172.17.0.1' },
          },
        ],
        ports: [],
      },
    };
    const two = {
      ...whole,
      sandboxes: [
        whole.sandboxes[0]!,
        {
          container: other,
          listeners: () => [],
          inside: () => ({
            ...whole.sandboxes[0]!.inside(),
            addresses: [address(5, '172.17.0.3', 16), address(5, '172.17.0.2', 32)],
          }),
        },
      ],
      host: () => ({ ...host, links: [...host.links, link({ index: 6, name: 'veth2', master: 3 })] }),
    };
    assert.deepEqual(commands(two), [
      'nsenter --net=/proc/43/ns/net ip address del 172.17.0.2/32 dev eth0',
      'nsenter --net=/proc/43/ns/net ip link set eth0 address 02:42:ac:11:00:03',
    ]);
  });
});
