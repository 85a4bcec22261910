/** The drivers against the kernel: a host and its neighbour on a wire, and namespaces for sandboxes. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, before, describe, it } from 'node:test';
import { newId } from '../../base/ids.ts';
import { silentLog } from '../../base/log.ts';
import { probeFeature } from '../../kernel/features.ts';
import { isErrno } from '../../kernel/ffi/errno.ts';
import { addLink, RouteClient, setLink } from '../../kernel/netlink/index.ts';
import { type NetnsHandle, withNetns } from '../../kernel/netns/index.ts';
import { readSysctl, writeSysctl } from '../../kernel/sysctl.ts';
import { type TestNetworks, testNetworks } from '../../kernel/testing/netns.ts';
import type { AdvertiseSpec, EndpointSpec, NetworkSpec } from '../model/index.ts';
import { Announcer } from './announcer.ts';
import { BridgeDriver } from './bridge.ts';
import { setDefaultRoutes } from './default-routes.ts';
import type { NetworkDriver } from './driver.ts';
import { ParentDriver } from './parent.ts';

const isThere = (name: Parameters<typeof probeFeature>[0]) => probeFeature(name).available === true;

describe('network drivers', () => {
  let networks: TestNetworks;
  let host: NetnsHandle;
  let neighbour: NetnsHandle;
  let route: RouteClient;
  let macvlan: ParentDriver;
  let ipvlan: ParentDriver;
  let bridge: BridgeDriver;
  let boxes = 0;

  before(() => {
    networks = testNetworks();
    host = networks.create('host');
    neighbour = networks.create('lan');
    route = RouteClient.open(host);
    macvlan = new ParentDriver('macvlan', route, silentLog);
    ipvlan = new ParentDriver('ipvlan', route, silentLog);
    bridge = new BridgeDriver(route, { iptables: false, userlandProxy: true }, silentLog);
    for (const name of ['eth0', 'eth1']) {
      const wire = route.addLink({ kind: 'veth', name, up: true, peer: { name, netns: neighbour } });
      route.addAddress({
        link: wire.index,
        address: name === 'eth0' ? '10.9.0.1' : '10.8.0.1',
        prefixLength: 24,
      });
    }
    using lan = RouteClient.open(neighbour);
    for (const name of ['eth0', 'eth1']) lan.setLink(lan.link(name).index, { up: true });
    lan.addAddress({ link: lan.link('eth0').index, address: '10.9.0.254', prefixLength: 24 });
  });
  after(() => {
    route.close();
    networks[Symbol.dispose]();
  });

  const network = (driver: string, more: Partial<NetworkSpec>): NetworkSpec => ({
    id: newId(),
    name: driver,
    driver,
    createdAt: '',
    internal: false,
    attachable: false,
    enableIPv4: true,
    enableIPv6: false,
    ipam: { driver: 'default', options: {}, subnets: [] },
    options: {},
    labels: {},
    ...more,
  });
  const onParent = (mode: 'bridge' | 'private' | 'vepa' | 'passthru', device = 'eth0') =>
    network('macvlan', { parent: { device, isDummy: false, mode } });
  /** The host's rules: settings below /proc/sys are those of the thread's namespace. */
  const asHost = <T>(act: () => T) => withNetns(host, act);
  /** A sandbox with one interface. */
  const join = (
    driver: NetworkDriver,
    spec: NetworkSpec,
    address: string,
    more: Partial<EndpointSpec> = {},
    settings: readonly string[] = [],
  ) => {
    const box = networks.create(`box${++boxes}`);
    withNetns(box, () => {
      for (const name of settings) writeSysctl(name, 1);
    });
    const endpoint: EndpointSpec = {
      id: newId(),
      networkId: spec.id,
      containerId: '',
      sandboxId: '',
      ifname: 'eth0',
      mac: `02:42:00:00:00:${boxes.toString(16).padStart(2, '0')}`,
      v4: { address, prefixLength: 24 },
      aliases: [],
      gatewayPriority: 0,
      driverOptions: {},
      ...more,
    };
    asHost(() => driver.createEndpoint(endpoint, spec, box));
    return { box, endpoint };
  };
  const ping = async (from: NetnsHandle, to: string) => {
    const child = withNetns(from, () => spawn('ping', ['-c1', '-W1', to], { stdio: 'ignore' }));
    const [code] = await once(child, 'exit');
    return code === 0;
  };
  const inside = <T>(box: NetnsHandle, look: (client: RouteClient) => T): T => {
    using client = RouteClient.open(box);
    return look(client);
  };

  describe('macvlan', { skip: isThere('macvlan') ? false : 'this kernel has no macvlan' }, () => {
    it('mode bridge: the LAN and each other are reached, the host is not, and it has no address on the parent for them', async () => {
      const spec = onParent('bridge');
      const before = route.links().map(({ name }) => name);
      asHost(() => macvlan.setup(spec, []));
      const [one, two] = [join(macvlan, spec, '10.9.0.11'), join(macvlan, spec, '10.9.0.12')];
      assert.ok(await ping(one.box, '10.9.0.254'));
      assert.ok(await ping(one.box, '10.9.0.12'));
      assert.ok(await ping(neighbour, '10.9.0.12'));
      assert.ok(!(await ping(one.box, '10.9.0.1')), 'the kernel keeps parent and children apart');
      const link = inside(one.box, (client) => client.link('eth0'));
      assert.deepEqual([link.kind, link.mac], ['macvlan', one.endpoint.mac]);
      await macvlan.deleteEndpoint(two.endpoint, two.box.path);
      await macvlan.deleteEndpoint(two.endpoint, two.box.path);
      assert.equal(
        inside(two.box, (client) => client.findLink('eth0')),
        undefined,
      );
      await macvlan.deleteEndpoint(one.endpoint, one.box.path);
      await macvlan.teardown(spec, []);
      assert.deepEqual(
        route.links().map(({ name }) => name),
        before,
        'the parent was not ours',
      );
    });

    it('mode private: not each other', async () => {
      const spec = onParent('private');
      const [one] = [join(macvlan, spec, '10.9.0.21'), join(macvlan, spec, '10.9.0.22')];
      assert.ok(await ping(one.box, '10.9.0.254'));
      assert.ok(!(await ping(one.box, '10.9.0.22')));
    });

    it('mode vepa: not each other, where the switch does not send frames back', async () => {
      const spec = onParent('vepa');
      const [one] = [join(macvlan, spec, '10.9.0.31'), join(macvlan, spec, '10.9.0.32')];
      assert.ok(await ping(one.box, '10.9.0.254'));
      assert.ok(!(await ping(one.box, '10.9.0.32')));
    });

    it('mode passthru: one has the parent, with the MAC address that it was given, and gives it back', async () => {
      const spec = onParent('passthru', 'eth1');
      const before = route.link('eth1').mac;
      const one = join(macvlan, spec, '10.8.0.2');
      assert.equal(
        inside(one.box, (client) => client.link('eth0').mac),
        one.endpoint.mac,
      );
      assert.equal(route.link('eth1').mac, one.endpoint.mac);
      assert.throws(
        () => join(macvlan, spec, '10.8.0.3'),
        /^BridgeportError: create macvlan eth0: invalid argument: in mode passthru eth1 has room for one container, and/,
      );
      await macvlan.deleteEndpoint(one.endpoint, one.box.path);
      assert.equal(route.link('eth1').mac, before);
      const next = join(macvlan, spec, '10.8.0.3');
      await macvlan.deleteEndpoint(next.endpoint, next.box.path);
    });

    it('mode passthru shares its parent with no other network', () => {
      const other = onParent('bridge', 'eth1');
      assert.throws(() => macvlan.setup(onParent('passthru', 'eth1'), [other]), {
        message: `cannot use mode passthru, macvlan network ${other.id} is already using parent interface eth1`,
      });
      const alone = onParent('passthru', 'eth1');
      assert.throws(() => macvlan.setup(onParent('private', 'eth1'), [alone]), {
        message: `macvlan network ${alone.id} is already using parent interface eth1 in mode passthru`,
      });
      macvlan.setup(onParent('private', 'eth1'), [other]);
    });

    it('without a parent: each other and nobody else; the link comes and goes with the network', async () => {
      const spec = network('macvlan', {
        parent: { device: 'dm-0123456789ab', isDummy: true, mode: 'bridge' },
      });
      asHost(() => macvlan.setup(spec, []));
      asHost(() => macvlan.setup(spec, []));
      const parent = route.link('dm-0123456789ab');
      assert.ok(parent.up);
      assert.equal(parent.alias, `bridgeport network ${spec.id}`);
      const [one, two] = [join(macvlan, spec, '10.9.0.41'), join(macvlan, spec, '10.9.0.42')];
      assert.ok(await ping(one.box, '10.9.0.42'));
      assert.ok(!(await ping(one.box, '10.9.0.254')));
      assert.ok(!(await ping(one.box, '10.9.0.1')));
      for (const { box, endpoint } of [one, two]) await macvlan.deleteEndpoint(endpoint, box.path);
      await macvlan.teardown(spec, []);
      assert.equal(route.findLink('dm-0123456789ab'), undefined);
      await macvlan.teardown(spec, []);
    });

    it('a parent that is in other hands, or too narrow, is refused in words', () => {
      const other = route.addLink({ kind: 'bridge', name: 'br-other' });
      route.setLink(route.link('eth1').index, { master: other.index });
      assert.throws(
        () => join(macvlan, onParent('bridge', 'eth1'), '10.8.0.5'),
        /device or resource busy: eth1 is a port of a bridge or a bond, or has interfaces of another kind on it$/i,
      );
      route.setLink(route.link('eth1').index, { master: null });
      const wide = network('macvlan', {
        parent: { device: 'eth1', isDummy: false, mode: 'bridge', mtu: 9000 },
      });
      assert.throws(
        () => join(macvlan, wide, '10.8.0.5'),
        /^BridgeportError: invalid MTU number: 9000 is more than the 1500 of parent interface eth1$/,
      );
    });

    it('link-local addresses are on the interface beside its own', () => {
      const { box } = join(macvlan, onParent('bridge'), '10.9.0.51', {
        linkLocal: [
          { address: '169.254.7.7', prefixLength: 16 },
          { address: 'fe80::77', prefixLength: 64 },
        ],
      });
      const shown = inside(box, (client) =>
        client.addresses({ link: client.link('eth0').index }).map((a) => `${a.address}/${a.prefixLength}`),
      );
      for (const wanted of ['10.9.0.51/24', '169.254.7.7/16', 'fe80::77/64'])
        assert.ok(shown.includes(wanted), wanted);
    });
  });

  it('a parent that is not there is refused by its name, before anything is made', () => {
    const before = route.links().length;
    for (const [device, why] of [
      ['eth9', /invalid subinterface vlan name eth9, example formatting is eth0\.10/],
      ['eth9.10', /-o parent interface was not found on the host: eth9/],
    ] as const) {
      assert.throws(() => macvlan.setup(onParent('bridge', device), []), why);
    }
    assert.throws(
      () => join(macvlan, onParent('bridge', 'gone'), '10.9.0.61'),
      /the requested parent interface gone was not found on the Docker host/,
    );
    assert.equal(route.links().length, before);
  });

  it('`eth0.10` is made where the kernel knows VLANs, shared, and goes with the last network; elsewhere the kernel’s reason is told', async () => {
    const [first, second] = [onParent('bridge', 'eth0.10'), onParent('bridge', 'eth0.10')];
    const make = () => asHost(() => macvlan.setup(first, []));
    if (!isThere('vlan')) {
      assert.throws(make, /create vlan eth0\.10: .*needs CONFIG_VLAN_8021Q/);
      assert.equal(route.findLink('eth0.10'), undefined);
      return;
    }
    make();
    const link = route.link('eth0.10');
    assert.deepEqual([link.kind, link.up], ['vlan', true]);
    asHost(() => macvlan.setup(second, [first]));
    await macvlan.teardown(first, [second]);
    assert.equal(route.link('eth0.10').alias, `bridgeport network ${second.id}`);
    await macvlan.teardown(second, []);
    assert.equal(route.findLink('eth0.10'), undefined);
  });

  it('`setDefaultRoutes()` takes a router, or the interface itself where none is needed, and takes others away', () => {
    const box = networks.create('routes');
    using client = RouteClient.open(box);
    for (const [name, address] of [
      ['a', '10.5.0.2'],
      ['b', '10.4.0.2'],
    ] as const) {
      const link = client.addLink({ kind: 'veth', name, up: true, peer: { name: `${name}-peer` } });
      client.setLink(client.link(`${name}-peer`).index, { up: true });
      client.addAddress({ link: link.index, address, prefixLength: 24 });
      client.addAddress({ link: link.index, address: `fd0${name}::2`, prefixLength: 64, nodad: true });
    }
    const shown = (family: 4 | 6) =>
      client
        .routes({ family })
        .filter(({ destination }) => destination === 'default')
        .map(({ gateway, link }) => [gateway, client.link(link as number).name]);
    const viaA = { ifname: 'a', gateway: '10.5.0.1' };
    setDefaultRoutes(box, { v4: viaA, v6: { ifname: 'b', gateway: 'fd0b::1' } });
    assert.deepEqual([shown(4), shown(6)], [[['10.5.0.1', 'a']], [['fd0b::1', 'b']]]);
    for (const again of [1, 2]) {
      setDefaultRoutes(box, {
        v4: { ifname: 'b', gateway: undefined },
        v6: { ifname: 'a', gateway: undefined },
      });
      assert.deepEqual([shown(4), shown(6)], [[[undefined, 'b']], [[undefined, 'a']]], `time ${again}`);
    }
    setDefaultRoutes(box, { v4: viaA, v6: undefined });
    assert.deepEqual([shown(4), shown(6)], [[['10.5.0.1', 'a']], []]);
  });

  it('ipvlan works as its parent’s other addresses, or is refused with what the kernel lacks', async () => {
    const wanted = {
      id: newId(),
      options: { parent: 'eth1' },
      internal: false,
      enableIPv6: false,
      mtu: 0,
      hostBinding: '',
    };
    const spec = network('ipvlan', {
      parent: { device: 'eth1', isDummy: false, mode: 'l2', flag: 'bridge' },
    });
    if (!isThere('ipvlan')) {
      assert.throws(
        () => ipvlan.validate(wanted),
        /network driver "ipvlan": this kernel .* needs CONFIG_IPVLAN/,
      );
      assert.throws(() => join(ipvlan, spec, '10.8.0.9'), /create ipvlan eth0: .*needs CONFIG_IPVLAN/);
      return;
    }
    assert.deepEqual(ipvlan.validate(wanted), { parent: spec.parent });
    assert.throws(
      () => ipvlan.setup(spec, [onParent('bridge', 'eth1')]),
      /is already using parent interface eth1/,
    );
    const { box, endpoint } = join(ipvlan, spec, '10.8.0.9');
    assert.equal(
      inside(box, (client) => client.link('eth0').mac),
      route.link('eth1').mac,
    );
    await ipvlan.deleteEndpoint(endpoint, box.path);
  });

  describe('bridge', () => {
    const onBridge = (name: string) =>
      network('bridge', {
        bridge: {
          name,
          isDefault: false,
          icc: true,
          masquerade: true,
          hostBindingV4: '',
          mtu: 1500,
          gatewayModeV4: 'nat',
          gatewayModeV6: 'nat',
        },
      });
    const port = (name: string) => ({ hostVeth: `veth${name}` });

    it('takes away what it made, and leaves a bridge that was there before', async () => {
      const [ours, theirs] = [onBridge('br-ours'), onBridge('br-theirs')];
      route.addLink({ kind: 'bridge', name: 'br-theirs' });
      for (const spec of [ours, theirs]) asHost(() => bridge.setup(spec));
      assert.equal(route.link('br-ours').alias, `bridgeport network ${ours.id}`);
      for (const spec of [ours, theirs]) await bridge.teardown(spec);
      assert.equal(route.findLink('br-ours'), undefined);
      assert.ok(route.findLink('br-theirs'));
    });

    it('the last port of a bridge is taken, and one more is refused in words with the kernel’s reason', async () => {
      const spec = onBridge('br-full');
      asHost(() => bridge.setup(spec));
      const master = route.link('br-full').index;
      // Both ends of a pair, which is the cheapest way to 1,022 ports.
      route.batch(
        Array.from({ length: 511 }, (_, n) =>
          addLink({ kind: 'veth', name: `a${n}`, master, peer: { name: `b${n}` } }),
        ),
      );
      const ends = route.links({ kind: 'veth' }).filter(({ name }) => /^b\d+$/.test(name));
      route.batch(ends.map(({ index }) => setLink(index, { master })));
      const last = join(bridge, spec, '10.7.0.2', port('last'));
      const before = route.links().length;
      assert.throws(
        () => join(bridge, spec, '10.7.0.3', port('more')),
        (error) =>
          isErrno(error, 'EXFULL') &&
          /^bridge br-full holds 1023 ports, the most that the kernel allows: create veth vethmore: exchange full/i.test(
            (error as Error).message,
          ),
      );
      assert.equal(route.links().length, before, 'nothing of it is left');
      await bridge.deleteEndpoint(last.endpoint);
      await bridge.deleteEndpoint((await join(bridge, spec, '10.7.0.3', port('more'))).endpoint);
    });

    it('a neighbour hears of a new interface as often as was asked for, of every address', async () => {
      const spec = onBridge('br-talk');
      asHost(() => bridge.setup(spec));
      const listener = join(bridge, spec, '10.6.0.2', port('ear'));
      const heard = listen(listener.box);
      await heard.ready;
      const announcer = new Announcer(silentLog);
      const announce = ({ box, endpoint }: ReturnType<typeof join>, advertise: AdvertiseSpec) =>
        announcer.announce(endpoint, box, () => bridge.isHeard(endpoint), advertise);
      const v6 = { address: 'fd06::3', prefixLength: 64 };
      const speaker = join(bridge, spec, '10.6.0.3', { ...port('mouth'), v6 });
      announce(speaker, { count: 2, interval: 100 });
      const mute = join(bridge, spec, '10.6.0.4', port('mute'));
      announce(mute, { count: 0 });
      const brief = join(bridge, spec, '10.6.0.5', port('brief'));
      announce(brief, { count: 3, interval: 100 });
      announcer.cancel(brief.endpoint.id);
      // Three hundred milliseconds of the last one bound the time in which the others could have said more.
      const end = join(bridge, spec, '10.6.0.6', port('end'));
      announce(end, { count: 3, interval: 150 });
      const lines = await heard.until((line) => line.includes('10.6.0.6'), 3);
      const count = (text: string) => lines.filter((line) => line.includes(text)).length;
      assert.deepEqual(
        ['who-has 10.6.0.3', 'tgt is fd06::3', 'who-has 10.6.0.4', 'who-has 10.6.0.5'].map(count),
        [2, 2, 0, 1],
        lines.join('\n'),
      );
      assert.equal(count('icmp6 sum ok'), 2, 'tcpdump has counted it too');
    });
  });

  it('macvlan: where the kernel announces what comes up by itself, a neighbour hears as often as was asked for all the same', {
    skip: isThere('macvlan') ? false : 'this kernel has no macvlan',
  }, async () => {
    const spec = onParent('bridge');
    asHost(() => macvlan.setup(spec, []));
    const heard = listen(join(macvlan, spec, '10.9.0.20').box);
    await heard.ready;
    const announcer = new Announcer(silentLog);
    const ARP_NOTIFY = 'net/ipv4/conf/all/arp_notify';
    const announce = (address: string, count: number) => {
      const { box, endpoint } = join(macvlan, spec, address, {}, [ARP_NOTIFY]);
      assert.equal(
        withNetns(box, () => readSysctl(ARP_NOTIFY)),
        '1',
        'the setting is as it was',
      );
      announcer.announce(endpoint, box, () => macvlan.isHeard(), { count, interval: 100 });
    };
    announce('10.9.0.21', 0);
    announce('10.9.0.22', 2);
    announce('10.9.0.23', 3);
    const lines = await heard.until((line) => line.includes('10.9.0.23'), 3);
    const count = (text: string) => lines.filter((line) => line.includes(text)).length;
    assert.deepEqual(
      ['who-has 10.9.0.21', 'who-has 10.9.0.22', 'who-has 10.9.0.23'].map(count),
      [0, 2, 3],
      lines.join('\n'),
    );
  });

  /** Announcements as tcpdump prints them, which checks the checksum too. */
  function listen(box: NetnsHandle) {
    const filter = 'arp or (icmp6 and ip6[40] = 136)';
    const child = withNetns(box, () => spawn('tcpdump', ['-lnvi', 'eth0', filter]));
    after(() => child.kill());
    const ready = Promise.withResolvers<void>();
    let text = '';
    let look = () => {};
    child.stderr.on('data', (chunk) => String(chunk).includes('listening on') && ready.resolve());
    child.on('exit', () => ready.reject(new Error('tcpdump ended')));
    child.stdout.on('data', (chunk) => {
      text += chunk;
      look();
    });
    return {
      ready: ready.promise,
      /** All lines, once so many of them match. */
      until(match: (line: string) => boolean, times: number): Promise<string[]> {
        return new Promise((resolve) => {
          look = () => {
            const lines = text.split('\n');
            if (lines.filter(match).length >= times) resolve(lines);
          };
          look();
        });
      },
    };
  }
});
