import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { NetworkSpec } from '../../../network/model/index.ts';
import { HOST } from '../../packet/snapshot.ts';
import type { TopologyContainer, TopologyRecords } from '../../topology/records.ts';
import { knowsName, namespaceOf, readParty, readService } from './parties.ts';

const network = (id: string, name: string, driver = 'bridge'): NetworkSpec => ({
  id,
  name,
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

function container(
  id: string,
  name: string,
  networkId: string,
  fields: Partial<TopologyContainer> = {},
): TopologyContainer {
  const endpoint = {
    id: `e-${id}`,
    networkId,
    containerId: id,
    sandboxId: id,
    ifname: 'eth0',
    hostVeth: 'veth0',
    mac: '',
    v4: { address: `10.0.0.${id.charCodeAt(0)}`, prefixLength: 24 },
    aliases: [`${name}-alias`],
    gatewayPriority: 0,
    driverOptions: {},
  };
  return {
    id,
    name,
    image: name,
    state: 'running',
    pid: 1,
    networkIds: [networkId],
    sharesWith: undefined,
    sandbox: { path: '', endpoints: [endpoint], ports: [] },
    exposedPorts: [],
    publishes: [],
    labels: {},
    links: [],
    names: { [networkId]: [name, `${name}-alias`] },
    ...fields,
  };
}

const web = container('abc123', 'web', 'n1');
const db = container('abd456', 'db', 'n1', { exposedPorts: ['5432/tcp'] });
const app = container('f00d00', 'app', 'n2', { links: [{ to: 'web', alias: 'shop' }] });
const guest = container('beef00', 'guest', 'n1', { sharesWith: 'abc123', sandbox: undefined });
const naked = container('cafe00', 'naked', 'h', { sandbox: { path: '', endpoints: [], ports: [] } });
const stopped = container('dead00', 'stopped', 'n1', { pid: 0, sandbox: undefined });
const RECORDS: TopologyRecords = {
  networks: () => [network('n1', 'front'), network('n2', 'back'), network('h', 'host-network', 'host')],
  containers: () => [web, db, app, guest, naked, stopped],
};

const read = (asked: string, other?: string) =>
  readParty(asked, RECORDS, other === undefined ? undefined : readParty(other, RECORDS));

describe('`readParty()`', () => {
  it('finds containers by name, id, alias, link, and name and network', () => {
    for (const asked of ['web', 'abc123', 'abc1', 'web-alias', 'web.front']) {
      assert.equal(read(asked).container?.name, 'web', asked);
    }
    assert.equal(read('shop', 'app').container?.name, 'web');
    for (const asked of ['shop', 'web.back']) assert.equal(read(asked).view.kind, 'name', asked);
    assert.equal(read('ab').view.kind, 'name', 'too short for an id');
    const twin: TopologyRecords = { ...RECORDS, containers: () => [web, { ...db, id: 'abc199' }] };
    assert.throws(() => readParty('abc1', twin), /several ids begin so/);
  });

  it('a network stands for one of its containers: one that serves, and not the one that asks', () => {
    assert.equal(read('front').container?.name, 'db');
    assert.equal(read('front', 'db').container?.name, 'web');
    assert.equal(read('host-network').container, undefined);
  });

  it('reads ports behind names and addresses, and refuses what nobody has', () => {
    assert.deepEqual([read('host:8080').view.kind, read('host:8080').port], ['host', 8080]);
    assert.deepEqual([read('[fd00::2]:80').ip?.toString(), read('[fd00::2]:80').port], ['fd00::2', 80]);
    assert.equal(read('10.0.0.97').container?.name, 'web');
    for (const asked of [
      '',
      'host:0',
      'host:70000',
      '224.0.0.1',
      '0.0.0.0',
      '::',
      '255.255.255.255',
      '1.2.3',
      'a:b',
    ]) {
      assert.throws(() => read(asked), asked);
    }
  });

  it('takes for a name of the outside what could be one, and nothing else', () => {
    const { view, name, port } = read('example.com:443', 'web');
    assert.deepEqual([view.kind, name, port], ['name', { text: 'example.com' }, 443]);
    for (const asked of ['intranet', '_sip.example', 'a1.example.', '3com']) {
      assert.deepEqual(read(asked).name, { text: asked });
    }
    for (const asked of [
      '1.2.3',
      '-a.example',
      'a-.example',
      'a..b',
      'x'.repeat(64),
      'a b',
      '[example.com]:80',
    ]) {
      assert.throws(() => read(asked), /No such container, network or address/, asked);
    }
  });

  it('`namespaceOf()` follows containers that share a namespace', () => {
    assert.equal(namespaceOf(guest, RECORDS), 'abc123');
    assert.equal(namespaceOf(naked, RECORDS), HOST);
    assert.equal(namespaceOf(stopped, RECORDS), undefined);
  });

  it('`knowsName()` asks networks that both are on, and links', () => {
    assert.equal(knowsName(web, db, 'db'), true);
    assert.equal(knowsName(web, db, 'db.front'), true);
    assert.equal(knowsName(app, db, 'db'), false);
    assert.equal(knowsName(app, web, 'shop'), true);
  });

  it('`readService()` takes both orders', () => {
    assert.deepEqual(readService('tcp/80'), { protocol: 'tcp', port: 80 });
    assert.deepEqual(readService('53/udp'), { protocol: 'udp', port: 53 });
    assert.deepEqual(readService('80'), { protocol: 'tcp', port: 80 });
    assert.deepEqual(readService('udp'), { protocol: 'udp' });
    assert.deepEqual(readService('ping'), { protocol: 'icmp' });
    assert.equal(readService(''), undefined);
    for (const text of ['tcp/0', '65536', 'http', 'tcp/80/udp', '-1'])
      assert.throws(() => readService(text), text);
  });
});
