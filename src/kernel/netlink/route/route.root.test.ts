import assert from 'node:assert/strict';
import { createServer, Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { BridgeportError } from '../../../base/errors.ts';
import { isErrno } from '../../ffi/errno.ts';
import { type NetnsHandle, warmThreadPool } from '../../netns/index.ts';
import { openTcpListener } from '../../sockets.ts';
import { connectTcp } from '../../testing/connect.ts';
import { type TestNetworks, testNetworks } from '../../testing/netns.ts';
import { addAddress, addLink, RouteClient, setLink } from './index.ts';

describe('route netlink', () => {
  let networks: TestNetworks;
  let hostNs: NetnsHandle;
  let boxNs: NetnsHandle;
  let host: RouteClient;
  let box: RouteClient;

  before(async () => {
    await warmThreadPool();
    networks = testNetworks();
    hostNs = networks.create('host');
    boxNs = networks.create('box');
    host = RouteClient.open(hostNs);
    box = RouteClient.open(boxNs.path);
  });
  after(() => {
    host?.close();
    box?.close();
    networks?.[Symbol.dispose]();
  });

  it('`links()` of a new namespace shows lo alone, up', () => {
    const links = host.links();
    assert.deepEqual(
      links.map((link) => [link.name, link.up, link.loopback, link.mtu, link.kind]),
      [['lo', true, true, 65536, undefined]],
    );
    assert.equal(links[0]?.stats.rxBytes, 0);
    assert.deepEqual(
      host.addresses({ family: 4 }).map((address) => [address.address, address.prefixLength, address.scope]),
      [['127.0.0.1', 8, 'host']],
    );
  });

  it('`addLink()` makes a bridge with its settings', () => {
    const bridge = host.addLink({
      kind: 'bridge',
      name: 'docker0',
      mac: '02:42:ac:11:00:01',
      mtu: 1400,
      up: true,
      stp: false,
      forwardDelay: 2,
      multicastSnooping: false,
    });
    assert.equal(bridge.kind, 'bridge');
    assert.equal(bridge.mac, '02:42:ac:11:00:01');
    assert.equal(bridge.mtu, 1400);
    assert.equal(bridge.up, true);
    assert.equal(bridge.bridge?.forwardDelay, 2);
    assert.equal(bridge.bridge?.stp, false);
    assert.equal(bridge.bridge?.multicastSnooping, false);
    assert.equal(bridge.bridge?.bridgeId, '8000.0242ac110001');
    host.setBridge(bridge.index, { stp: true, ageingTime: 30 });
    const changed = host.link('docker0').bridge;
    assert.equal(changed?.stp, true);
    assert.equal(changed?.ageingTime, 30);
    host.setBridge(bridge.index, { stp: false });
  });

  it('`addLink()` makes a veth with its peer directly inside another namespace', () => {
    const bridge = host.link('docker0');
    const veth = host.addLink({
      kind: 'veth',
      name: 'veth1a2b3c4',
      master: bridge.index,
      mtu: 1400,
      up: true,
      peer: { name: 'eth0', mac: '02:42:ac:11:00:02', mtu: 1400, netns: boxNs },
    });
    assert.equal(veth.kind, 'veth');
    assert.equal(veth.master, bridge.index);
    assert.equal(veth.portKind, 'bridge');
    assert.equal(veth.bridgePort?.hairpin, false);
    const eth0 = box.link('eth0');
    assert.equal(eth0.mac, '02:42:ac:11:00:02');
    assert.equal(eth0.mtu, 1400);
    box.setLink(eth0.index, { up: true });
    assert.equal(box.link('eth0').up, true);
    assert.equal(eth0.link, veth.index, 'the peer points back at the host end');
    assert.equal(veth.link, eth0.index);
    assert.equal(veth.linkNetnsId, host.netnsId(boxNs));
    assert.notEqual(veth.linkNetnsId, undefined);
    assert.equal(host.findLink('eth0'), undefined);
    assert.deepEqual(
      host.links({ master: bridge.index }).map((link) => link.name),
      ['veth1a2b3c4'],
    );
    assert.deepEqual(
      host.links({ kind: 'veth' }).map((link) => link.name),
      ['veth1a2b3c4'],
    );
  });

  it('`setBridgePort()` switches hairpin mode', () => {
    const { index } = host.link('veth1a2b3c4');
    host.setBridgePort(index, { hairpin: true, isolated: true });
    const port = host.link(index).bridgePort;
    assert.equal(port?.hairpin, true);
    assert.equal(port?.isolated, true);
    host.setBridgePort(index, { isolated: false });
    assert.equal(host.link(index).bridgePort?.hairpin, true, 'what is not named stays');
  });

  it('`setLink()` renames, changes MAC and MTU, and takes out of a bridge', () => {
    const { index } = host.addLink({ kind: 'veth', name: 'd0', peer: { name: 'd0peer' } });
    host.setLink(index, { name: 'd1', mac: '02:00:00:00:00:77', mtu: 1300, up: true });
    const changed = host.link(index);
    assert.deepEqual(
      [changed.name, changed.mac, changed.mtu, changed.up],
      ['d1', '02:00:00:00:00:77', 1300, true],
    );
    host.setLink(index, { master: host.link('docker0').index });
    assert.equal(host.link(index).master, host.link('docker0').index);
    host.setLink(index, { master: null, up: false });
    assert.equal(host.link(index).master, undefined);
    host.setLink(index, { netns: boxNs, name: 'moved' });
    assert.equal(host.link('d0peer').linkNetnsId, host.netnsId(boxNs));
    assert.equal(host.findLink('d1'), undefined);
    assert.equal(box.link('moved').mtu, 1300);
    box.deleteLink('moved');
    assert.equal(box.findLink('moved'), undefined);
  });

  it('addresses of both families are added, replaced, listed and deleted', () => {
    const link = host.link('docker0').index;
    host.addAddress({ link, address: '172.17.0.1', prefixLength: 16, broadcast: '172.17.255.255' });
    assert.throws(
      () => host.addAddress({ link, address: '172.17.0.1', prefixLength: 16 }),
      (error) => isErrno(error, 'EEXIST') && /add address 172\.17\.0\.1\/16/.test((error as Error).message),
    );
    host.replaceAddress({ link, address: '172.17.0.1', prefixLength: 16, broadcast: '172.17.255.255' });
    host.addAddress({ link, address: 'fd00:0:0:1::1', prefixLength: 64, nodad: true });
    assert.deepEqual(
      host
        .addresses({ link })
        .filter(({ scope }) => scope === 'universe')
        .map(({ family, address, prefixLength, broadcast, label, tentative }) => ({
          family,
          address,
          prefixLength,
          broadcast,
          label,
          tentative,
        })),
      [
        {
          family: 4,
          address: '172.17.0.1',
          prefixLength: 16,
          broadcast: '172.17.255.255',
          label: 'docker0',
          tentative: false,
        },
        {
          family: 6,
          address: 'fd00:0:0:1::1',
          prefixLength: 64,
          broadcast: undefined,
          label: undefined,
          tentative: false,
        },
      ],
    );
    host.addAddress({ link, address: '10.9.9.1', prefixLength: 24 });
    host.deleteAddress({ link, address: '10.9.9.1', prefixLength: 24 });
    assert.throws(
      () => host.deleteAddress({ link, address: '10.9.9.1', prefixLength: 24 }),
      (error) => isErrno(error, 'EADDRNOTAVAIL'),
    );
  });

  it('routes of both families are added, replaced, listed and deleted', () => {
    const link = box.link('eth0').index;
    box.addAddress({ link, address: '172.17.0.2', prefixLength: 16, broadcast: '172.17.255.255' });
    box.addAddress({ link, address: 'fd00:0:0:1::2', prefixLength: 64, nodad: true });
    box.addRoute({ destination: 'default', gateway: '172.17.0.1' });
    box.addRoute({ destination: 'default', gateway: 'fd00:0:0:1::1' });
    box.addRoute({ destination: '10.1.0.0/16', link });
    const brief = (family: 4 | 6) =>
      box
        .routes({ family })
        .filter(({ destination }) => !destination.startsWith('fe80') && !destination.startsWith('ff'))
        .map(({ destination, gateway, link: by, scope, source }) => ({
          destination,
          gateway,
          link: by,
          scope,
          source,
        }));
    assert.deepEqual(brief(4), [
      { destination: 'default', gateway: '172.17.0.1', link, scope: 'universe', source: undefined },
      { destination: '10.1.0.0/16', gateway: undefined, link, scope: 'link', source: undefined },
      { destination: '172.17.0.0/16', gateway: undefined, link, scope: 'link', source: '172.17.0.2' },
    ]);
    assert.deepEqual(
      brief(6).map(({ destination, gateway }) => [destination, gateway]),
      [
        ['fd00:0:0:1::/64', undefined],
        ['default', 'fd00:0:0:1::1'],
      ],
    );
    assert.throws(
      () => box.addRoute({ destination: 'default', gateway: '172.17.0.1' }),
      (error) => isErrno(error, 'EEXIST'),
    );
    box.replaceRoute({ destination: '10.1.0.0/16', gateway: '172.17.0.9' });
    assert.equal(
      box.routes({ family: 4 }).find((route) => route.destination === '10.1.0.0/16')?.gateway,
      '172.17.0.9',
    );
    box.deleteRoute({ destination: '10.1.0.0/16' });
    box.addRoute({ destination: '10.2.0.0/16', type: 'unreachable', table: 1000 });
    assert.equal(box.routes({ family: 4, table: 1000 })[0]?.type, 'unreachable');
    box.deleteRoute({ destination: '10.2.0.0/16', table: 1000 });
    assert.deepEqual(box.routes({ family: 4, table: 4711 }), []);
    assert.throws(
      () => box.deleteRoute({ destination: '10.2.0.0/16' }),
      (error) => isErrno(error, 'ESRCH'),
    );
    assert.ok(box.routes({ table: 0 }).some((route) => route.type === 'local'));
  });

  it('two namespaces reach each other over bridge and veth, IPv4 and IPv6', async () => {
    for (const address of ['172.17.0.1', 'fd00:0:0:1::1']) {
      const listener = openTcpListener({ netns: hostNs, address, port: 0 });
      const server = createServer((socket) => socket.end('pong'));
      server.listen({ fd: listener.fd });
      try {
        const socket = new Socket({ fd: connectTcp({ netns: boxNs, address, port: listener.port }) });
        assert.equal(socket.remoteAddress, address);
        assert.equal(await text(socket), 'pong');
      } finally {
        await new Promise((resolve) => server.close(resolve));
      }
    }
    const { index } = box.link('eth0');
    const neighbours = box.neighbours({ link: index, family: 4 });
    assert.equal(neighbours[0]?.address, '172.17.0.1');
    assert.equal(neighbours[0]?.mac, '02:42:ac:11:00:01');
    const entries = host.neighbours({ family: 'bridge' });
    assert.ok(entries.some((entry) => entry.mac === '02:42:ac:11:00:02' && entry.master !== undefined));
  });

  it('neighbours are added, listed and deleted', () => {
    const link = host.link('docker0').index;
    const find = () => host.neighbours({ family: 4, link }).find(({ address }) => address === '172.17.0.99');
    host.addNeighbour({ link, address: '172.17.0.99', mac: '02:42:ac:11:00:63' });
    assert.equal(find()?.mac, '02:42:ac:11:00:63');
    assert.equal(find()?.state, 'permanent');
    host.replaceNeighbour({ link, address: '172.17.0.99', mac: '02:42:ac:11:00:64' });
    assert.equal(find()?.mac, '02:42:ac:11:00:64');
    host.deleteNeighbour({ link, address: '172.17.0.99' });
    assert.notEqual(find()?.state, 'permanent');
  });

  it('errors name the action and the errno, and bring the words of the kernel', () => {
    assert.throws(
      () => host.addLink({ kind: 'bridge', name: 'docker0' }),
      (error) =>
        isErrno(error, 'EEXIST') && (error as Error).message === 'create bridge docker0: file exists',
    );
    assert.throws(
      () => host.link('nosuch0'),
      (error) => isErrno(error, 'ENODEV'),
    );
    const { index } = host.link('docker0');
    assert.throws(
      () => host.setLink(index, { mtu: 70000 }),
      (error) => {
        assert.ok(error instanceof BridgeportError);
        assert.equal(error.errno, 'EINVAL');
        assert.equal(error.extack, 'mtu greater than device maximum');
        assert.match(
          error.message,
          /set link \d+ mtu 70000: invalid argument \(mtu greater than device maximum\)/,
        );
        return true;
      },
    );
    assert.throws(
      () => box.addRoute({ destination: '10.3.0.0/16', gateway: '203.0.113.1' }),
      (error) => error instanceof BridgeportError && error.extack === 'Nexthop has invalid gateway',
    );
    assert.throws(
      () => host.addLink({ kind: 'bridge', name: 'a-name-that-is-too-long' }),
      /longer than 15 bytes/,
    );
    assert.throws(() => host.addLink({ kind: 'bridge', name: 'a b' }), /holds a slash, colon or space/);
  });

  it('`tryBatch()` gives each request its own result, and carries on after an error', () => {
    const results = host.tryBatch([
      addLink({ kind: 'bridge', name: 'batch0' }),
      addLink({ kind: 'bridge', name: 'batch0' }),
      setLink(99999, { up: true }),
      addLink({ kind: 'bridge', name: 'batch1' }),
    ]);
    assert.deepEqual(
      results.map(({ error }) => error?.errno),
      [undefined, 'EEXIST', 'ENODEV', undefined],
    );
    assert.match(results[1]?.error?.message ?? '', /create bridge batch0/);
    assert.match(results[2]?.error?.message ?? '', /set link 99999/);
    assert.ok(host.findLink('batch1'));
    assert.throws(
      () => host.batch([setLink(99998, { up: true }), setLink(99999, { up: true })]),
      (error) => error instanceof AggregateError && error.errors.length === 2,
    );
  });

  it('`batch()` takes more requests than fit in one send', () => {
    const link = host.link('batch1').index;
    const addresses = Array.from({ length: 300 }, (_, index) => `10.77.${index >> 8}.${index & 255}`);
    host.batch(addresses.map((address) => addAddress({ link, address, prefixLength: 32 })));
    assert.deepEqual(
      host.addresses({ link, family: 4 }).map(({ address }) => address),
      addresses,
    );
  });

  it('`deleteLinkAsync()` works beside synchronous requests, and after `close()` finishes what was begun', async () => {
    const deletions = Promise.all(['batch0', 'batch1'].map((name) => host.deleteLinkAsync(name)));
    assert.ok(host.link('docker0'));
    await deletions;
    assert.equal(host.findLink('batch0'), undefined);
    await assert.rejects(host.deleteLinkAsync('batch0'), (error) => isErrno(error, 'ENODEV'));
    host.addLink({ kind: 'bridge', name: 'last0' });
    const brief = RouteClient.open(hostNs);
    const last = brief.deleteLinkAsync('last0');
    brief.close();
    await last;
    assert.equal(host.findLink('last0'), undefined);
    assert.throws(() => brief.links(), /netlink socket is closed/);
  });

  it('deleting one end of a veth takes the other', async () => {
    await host.deleteLinkAsync('veth1a2b3c4');
    assert.equal(box.findLink('eth0'), undefined);
  });
});
