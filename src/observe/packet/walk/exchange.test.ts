import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Ip } from '../../../base/ip.ts';
import { HOST, type HostSnapshot } from '../snapshot.ts';
import {
  A,
  B,
  type Changes,
  iptables,
  link,
  listener,
  route,
  routingRule,
  sysctls,
  twoContainers,
} from '../testing/snapshots.ts';
import { type Asker, exchange } from './exchange.ts';

const a: Asker = { kind: 'namespace', id: A };
const host: Asker = { kind: 'namespace', id: HOST };
const outside: Asker = { kind: 'outside', id: HOST, link: 'eth0', source: Ip.parse('198.51.100.7') };
const HOST_RULES = `*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -i docker0 ! -o docker0 -j ACCEPT
-A FORWARD -d 172.17.0.3/32 -o docker0 -p tcp -m tcp --dport 80 -j ACCEPT
COMMIT
*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:DOCKER - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.3:80
-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
COMMIT
`;

function ask(snapshot: HostSnapshot, asker: Asker, address: string, port: number) {
  const result = exchange(snapshot, { asker, protocol: 'tcp', destination: { ip: Ip.parse(address), port } });
  const end = result.there.end.kind === 'stopped' ? result.there.end : result.back?.end;
  return { ...result, cause: end?.kind === 'stopped' ? end.cause : undefined };
}

describe('`exchange()`', () => {
  it('a bridge takes frames for its own MAC and for that of the port they come by, and no others of its ports', () => {
    const cause = (mac: string) => {
      const fixedNeighbours = [{ link: 2, address: '172.17.0.1', mac }];
      return ask(twoContainers({ a: { fixedNeighbours } }), a, '10.9.0.1', 22).cause?.kind;
    };
    const [docker0, vetha, vethb] = ['docker0', 'vetha', 'vethb'].map(
      (name) =>
        twoContainers()
          .namespaces.get(HOST)
          ?.links.find((one) => one.name === name)?.mac ?? '',
    );
    assert.deepEqual(
      [docker0, vetha, vethb].map((mac) => cause(mac ?? '')),
      ['no-socket', 'no-socket', 'nobody-there'],
    );
  });

  it('goes over one bridge, and back', () => {
    const { works, there, seenAs } = ask(twoContainers(), a, '172.17.0.3', 80);
    assert.equal(works, true);
    assert.equal(seenAs?.toString(), '172.17.0.2');
    assert.deepEqual(
      there.hops
        .filter(({ kind }) => kind !== 'asked')
        .map(({ kind, namespace }) => `${kind} ${namespace.slice(0, 4)}`),
      ['sent aaaa', 'routed aaaa', 'wire aaaa', 'bridged host', 'wire host', 'routed bbbb', 'arrived bbbb'],
    );
  });

  it('translates a published port, and translates its answer back', () => {
    const snapshot = twoContainers({ host: { firewall: iptables(HOST_RULES) } });
    const { works, there, back, seenAs } = ask(snapshot, outside, '10.9.0.1', 8080);
    assert.equal(works, true);
    assert.equal(seenAs?.toString(), '198.51.100.7');
    assert.equal(there.end.packet.destination.ip.toString(), '172.17.0.3');
    assert.equal(there.end.packet.destination.port, 80);
    assert.equal(back?.end.packet.source.port, 8080, 'the asker sees the port that it asked for');
  });

  it('masquerades what leaves, and finds the answer its way', () => {
    const snapshot = twoContainers({ host: { firewall: iptables(HOST_RULES) } });
    const { works, seenAs } = ask(snapshot, a, '198.51.100.7', 443);
    assert.equal(works, true);
    assert.equal(seenAs?.toString(), '10.9.0.1');
  });

  it('ends at the policy when no rule accepts', () => {
    const snapshot = twoContainers({ host: { firewall: iptables(HOST_RULES) } });
    const { works, cause } = ask(snapshot, outside, '172.17.0.3', 81);
    assert.equal(works, false);
    assert.equal(cause?.kind === 'policy' && cause.chain.name, 'FORWARD');
  });

  it('cannot tell when a rule that matters cannot be decided', () => {
    const limited = HOST_RULES.replace(
      '-A FORWARD -i',
      '-A FORWARD -m limit --limit 5/min -j ACCEPT\n-A FORWARD -i',
    );
    const snapshot = twoContainers({ host: { firewall: iptables(limited) } });
    assert.equal(ask(snapshot, outside, '172.17.0.3', 81).works, undefined);
    // Where the way ends the same with it and without it, it does not matter.
    assert.equal(ask(snapshot, a, '198.51.100.7', 443).works, true);
    const logged = limited.replace('-j ACCEPT\n-A FORWARD -i', '-j LOG\n-A FORWARD -i');
    assert.equal(
      ask(twoContainers({ host: { firewall: iptables(logged) } }), outside, '172.17.0.3', 81).works,
      false,
    );
  });

  const causes: ReadonlyArray<readonly [string, Changes, Asker, string, number, string]> = [
    ['no socket', { b: { sockets: [] } }, a, '172.17.0.3', 80, 'no-socket'],
    [
      'another address',
      { b: { sockets: [listener('127.0.0.1', 80)] } },
      a,
      '172.17.0.3',
      80,
      'other-address',
    ],
    ['nobody there', {}, a, '172.17.0.9', 80, 'nobody-there'],
    ['no way out', { a: { routes: [] } }, a, '198.51.100.7', 443, 'no-route'],
    [
      'a blackhole',
      { host: { routes: [route('198.51.100.0/24', 1, { type: 'blackhole', link: undefined })] } },
      host,
      '198.51.100.7',
      443,
      'refused-route',
    ],
    [
      'forwarding off',
      { host: { sysctls: sysctls({ forwarding: () => false }) } },
      a,
      '198.51.100.7',
      443,
      'forwarding-off',
    ],
    ['a port of a bridge down', { host: { links: portDown() } }, a, '172.17.0.3', 80, 'link-down'],
    [
      'strict reverse path filtering',
      {
        host: {
          sysctls: sysctls({ reversePathFilter: (name) => (name === 'docker0' ? 1 : 0) }),
          ...strayed(),
        },
      },
      a,
      '198.51.100.7',
      443,
      'reverse-path',
    ],
  ];
  for (const [name, changes, asker, address, port, kind] of causes) {
    it(`names ${name}`, () => {
      const { works, cause } = ask(twoContainers(changes), asker, address, port);
      assert.equal(works, false);
      assert.equal(cause?.kind, kind);
    });
  }

  it('a loose reverse path filter lets pass what a strict one does not', () => {
    const changes = { host: { sysctls: sysctls({ reversePathFilter: () => 2 }), ...strayed() } };
    assert.notEqual(ask(twoContainers(changes), a, '198.51.100.7', 443).there.end.kind, 'stopped');
  });

  it('follows routing rules before the main table, and says when it does not know one', () => {
    const base = twoContainers().namespaces.get(HOST);
    const vpn = link(9, 'tun0');
    const links = [...(base?.links ?? []), vpn];
    const routes = [...(base?.routes ?? []), route('default', 9, { table: 100 })];
    const through = (rule: Parameters<typeof routingRule>[2]) => {
      const rules = [routingRule(0, 255), routingRule(100, 100, rule), routingRule(32766, 254)];
      return ask(twoContainers({ host: { links, routes, rules } }), host, '198.51.100.7', 443);
    };
    const left = (result: ReturnType<typeof through>) =>
      result.there.end.kind === 'left' && result.there.end.link;
    assert.equal(left(through({ destination: '198.51.100.0/24' })), 'tun0');
    assert.equal(left(through({ source: '192.0.2.0/24' })), 'eth0');
    assert.equal(left(through({ suppressPrefixLength: 0 })), 'eth0', 'its default route does not count');
    assert.equal(through({ hasMore: true }).works, undefined);
  });

  it('does not send loopback addresses out, unless the interface may have them', () => {
    const dnat = HOST_RULES.replace(
      '-A DOCKER !',
      '-A OUTPUT -m addrtype --dst-type LOCAL -j DOCKER\n-A POSTROUTING -o docker0 -m addrtype --src-type LOCAL -j MASQUERADE\n-A DOCKER !',
    );
    const firewall = iptables(dnat);
    assert.equal(
      ask(twoContainers({ host: { firewall } }), host, '127.0.0.1', 8080).cause?.kind,
      'loopback-outside',
    );
    const open = sysctls({ routeLocalnet: () => true });
    const { works, seenAs } = ask(
      twoContainers({ host: { firewall, sysctls: open } }),
      host,
      '127.0.0.1',
      8080,
    );
    assert.equal(works, true);
    assert.equal(seenAs?.toString(), '172.17.0.1');
  });

  it('needs hairpin mode for the way back by the same port of a bridge, and another source than its own', () => {
    const saved = HOST_RULES.replace('! -i docker0 -p tcp', '-p tcp').replace(
      '-A FORWARD -i',
      '-A FORWARD -i docker0 -o docker0 -j ACCEPT\n-A FORWARD -i',
    );
    const own: Asker = { kind: 'namespace', id: B };
    const firewall = iptables(saved);
    assert.equal(ask(twoContainers({ host: { firewall } }), own, '10.9.0.1', 8080).cause?.kind, 'own-source');
    const filtered = sysctls({ bridgeCallsFirewall: () => true });
    const changes = { host: { firewall, sysctls: filtered } };
    assert.equal(ask(twoContainers(changes), own, '10.9.0.1', 8080).cause?.kind, 'hairpin-off');
  });
});

function portDown() {
  const links = twoContainers().namespaces.get(HOST)?.links ?? [];
  return links.map((one) => (one.name === 'vethb' ? { ...one, up: false, lowerUp: false } : one));
}

/** A VPN that takes the containers' addresses. */
function strayed() {
  const base = twoContainers().namespaces.get(HOST);
  return {
    links: [...(base?.links ?? []), link(9, 'tun0')],
    routes: [...(base?.routes ?? []), route('172.17.0.0/24', 9)],
  };
}
