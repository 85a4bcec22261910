import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readIptables } from '../../packet/iptables/tables.ts';
import type { TopologyContainer, TopologyRecords } from '../../topology/records.ts';
import { allowIn, joinNetwork, publish } from './remedies.ts';

const container = (name: string, networkIds: string[], sharesWith?: string): TopologyContainer => ({
  id: name,
  name,
  image: `image-of-${name}`,
  state: 'running',
  pid: 1,
  networkIds,
  sharesWith,
  sandbox: undefined,
  exposedPorts: [],
  publishes: [],
  labels: {},
  links: [],
  names: {},
});

const network = (id: string, driver: string) => ({
  id,
  name: id,
  driver,
  createdAt: '',
  internal: false,
  attachable: false,
  enableIPv4: true,
  enableIPv6: false,
  ipam: { driver: 'default', options: {}, subnets: [] },
  options: {},
  labels: {},
});

describe('remedies', () => {
  it('`joinNetwork()` says nothing that the daemon refuses', () => {
    const web = container('web', ['front']);
    const alone = container('alone', ['none']);
    const all = [web, alone, container('joiner', [], 'web'), container('second', [], 'alone')];
    const records: TopologyRecords = {
      networks: () => [network('front', 'bridge'), network('none', 'null')],
      containers: () => all,
    };
    assert.deepEqual(
      all.map((one) => joinNetwork('back', one, records)),
      [
        'docker network connect back web',
        'docker run --network back … image-of-alone',
        'docker network connect back web',
        'docker run --network back … image-of-alone',
      ],
    );
    assert.equal(joinNetwork('front', web, records), 'docker network connect NETWORK web', 'it is there');
    assert.equal(joinNetwork('back', undefined, records), 'docker network connect back CONTAINER');
  });

  it('`publish()` names the protocol where it is not TCP', () => {
    assert.equal(publish(8080, 80, 'tcp', 'web'), 'docker run -p 8080:80 … web');
    assert.equal(publish(53, 53, 'udp', 'dns'), 'docker run -p 53:53/udp … dns');
  });

  it('`allowIn()` names no port for a ping', () => {
    const [table] = readIptables('*filter\n:INPUT DROP [0:0]\nCOMMIT\n', 'iptables', 4);
    const policyOf = table?.chains.get('INPUT');
    assert.ok(policyOf);
    const ping = { protocol: 'icmp', destination: '10.0.0.1', port: 0 };
    assert.deepEqual(allowIn(undefined, { hook: 'input', policyOf }, ping), [
      'iptables -I INPUT -p icmp -j ACCEPT',
      'iptables -P INPUT ACCEPT',
    ]);
    assert.deepEqual(allowIn('firewalld', { hook: 'input' }, { ...ping, destination: 'fd00::1' }), [
      'firewall-cmd --permanent --add-protocol=ipv6-icmp && firewall-cmd --reload',
    ]);
    for (const program of ['ufw', 'firewalld', undefined]) {
      for (const hook of ['input', 'forward']) {
        const said = allowIn(program, { hook, policyOf }, ping).join();
        assert.doesNotMatch(said, /port|\b0\b(?!\.)/, said);
      }
    }
  });
});
