/** `bridgeport map` against what iproute2 and bridge-utils say of the same host. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, request } from 'node:http';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { MapInterface, NetworkMap } from '../../src/base/wire/map.ts';
import { inNetworkOf, pidOf } from '../harness/container.ts';
import { ok, run } from '../harness/exec.ts';
import { HOST_IP, HOST_IP6, WORLD_IP } from '../harness/host.ts';
import { useStage } from '../harness/stage.ts';

/** An entry of `ip -json address`. */
interface IpLink {
  ifindex: number;
  ifname: string;
  link_index?: number;
  address?: string;
  mtu: number;
  addr_info: Array<{ local: string; prefixlen: number; family: string; scope: string }>;
}

const cidrs = ({ addr_info }: IpLink) =>
  addr_info
    .filter(({ family, scope }) => !(family === 'inet6' && scope === 'link'))
    .map(({ local, prefixlen }) => `${local}/${prefixlen}`);

describe('the map of the network', () => {
  const stage = useStage({ name: 'map', images: ['busybox', 'web'] });
  const read = async () => JSON.parse(await stage.daemon.bridgeport('map', '--json')) as NetworkMap;
  const links = async (): Promise<IpLink[]> => JSON.parse(await stage.host.ok('ip', '-json', 'address'));
  const same = (shown: MapInterface | undefined, link: IpLink | undefined) => {
    assert.deepEqual(
      [shown?.name, shown?.index, shown?.mac, shown?.mtu, shown?.addresses],
      [link?.ifname, link?.ifindex, link?.address, link?.mtu, link && cidrs(link)],
    );
  };

  it('shows host interfaces, bridges and both ends of every veth pair as `ip` and `brctl` do', async () => {
    const { cli, host } = stage;
    await cli('network', 'create', 'back');
    await cli('run', '-d', '--name', 'web', '-p', '8080:80', '-p', '8443-8445:443-445', 'web');
    await cli('run', '-d', '--name', 'client', '--link', 'web:alias', 'busybox', 'sleep', '600');
    await cli('run', '-d', '--name', 'both', '--network', 'back', 'busybox', 'sleep', '600');
    await cli('network', 'connect', 'bridge', 'both');
    await cli('run', '-d', '--name', 'guest', '--network', 'container:web', 'busybox', 'sleep', '600');
    await cli('create', '--name', 'idle', 'busybox');
    const [map, all] = [await read(), await links()];
    const byName = new Map(all.map((link) => [link.ifname, link]));

    assert.deepEqual(
      map.host.interfaces.map(({ name }) => name),
      ['eth0'],
    );
    same(map.host.interfaces[0], byName.get('eth0'));
    assert.deepEqual(map.host.interfaces[0]?.addresses, [`${HOST_IP}/24`, `${HOST_IP6}/64`]);
    assert.deepEqual(map.host.interfaces[0]?.defaultRoute, { gateway: WORLD_IP });
    assert.deepEqual([map.host.ipForward, map.host.firewall], [true, 'iptables']);

    assert.deepEqual(
      map.networks.map(({ name, driver }) => `${name} ${driver}`),
      ['bridge bridge', 'back bridge', 'host host', 'none null'],
    );
    for (const { name, bridge } of map.networks.slice(0, 2)) {
      same(bridge, byName.get(bridge?.name ?? ''));
      const ports = (await host.ok('brctl', 'show', bridge?.name ?? '')).match(/\bveth\w+/g)?.sort();
      const id = map.networks.find((network) => network.name === name)?.id;
      const shown = map.endpoints.filter(({ networkId, hostVeth }) => networkId === id && hostVeth);
      assert.deepEqual(shown.map(({ hostVeth }) => hostVeth?.name).sort(), ports);
    }

    const wired = map.endpoints.filter(({ hostVeth }) => hostVeth !== undefined);
    assert.deepEqual(
      wired.map(({ container }) => container.name),
      ['both', 'both', 'client', 'web'],
    );
    for (const { container, hostVeth, inside, mac, addresses } of wired) {
      const pid = await pidOf(cli, container.name);
      assert.equal(container.pid, pid);
      const within: IpLink[] = JSON.parse(await inNetworkOf(pid, 'ip', '-json', 'address'));
      const outer = byName.get(hostVeth?.name ?? '');
      const inner = within.find(({ ifname }) => ifname === inside?.name);
      assert.deepEqual([hostVeth?.index, inside?.index], [outer?.ifindex, inner?.ifindex]);
      // One pair: each names the other's number.
      assert.deepEqual([outer?.link_index, inner?.link_index], [inside?.index, hostVeth?.index]);
      assert.deepEqual([mac, addresses], [inner?.address, inner && cidrs(inner)]);
    }
    await cli('rm', '-f', 'both');
    await cli('network', 'rm', 'back');
  });

  it('shows who serves a published port, links, what is exposed, and who shares a network', async () => {
    const { cli } = stage;
    await cli(
      'run',
      '-d',
      '--name',
      'web',
      '-p',
      '8080:80',
      '-p',
      '127.0.0.1:53:53/udp',
      '--expose',
      '99',
      'web',
    );
    await cli('run', '-d', '--name', 'client', '--link', 'web:alias', 'busybox', 'sleep', '600');
    await cli('run', '-d', '--name', 'guest', '--network', 'container:web', 'busybox', 'sleep', '600');
    await cli('run', '-d', '--name', 'bare', '--network', 'none', 'busybox', 'sleep', '600');
    await cli('run', '-d', '--name', 'naked', '--network', 'host', 'busybox', 'sleep', '600');
    const { endpoints, networks } = await read();
    const find = (name: string) => endpoints.find(({ container }) => container.name === name);
    const port = (
      hostIp: string,
      hostPort: number,
      containerPort: number,
      proto: string,
      servedBy: string,
    ) => ({
      hostIp,
      hostPort,
      containerPort,
      proto,
      servedBy,
    });
    assert.deepEqual(find('web')?.ports, [
      port('127.0.0.1', 53, 53, 'udp', 'both'),
      port('0.0.0.0', 8080, 80, 'tcp', 'both'),
      port('::', 8080, 80, 'tcp', 'proxy'),
    ]);
    assert.deepEqual(find('web')?.exposed, ['99/tcp']);
    assert.deepEqual(find('client')?.links, [{ to: 'web', alias: 'alias' }]);
    assert.deepEqual(
      find('web')?.sharedBy?.map(({ name }) => name),
      ['guest'],
    );
    const driver = (name: string) => networks.find(({ id }) => id === find(name)?.networkId)?.driver;
    assert.deepEqual([driver('bare'), driver('naked')], ['null', 'host']);
    assert.deepEqual([find('bare')?.addresses, find('naked')?.addresses], [[], []]);
  });

  it('draws it: every container hangs on its bridge by its own wire', async () => {
    const { cli, daemon } = stage;
    await cli('run', '-d', '--name', 'web', '-p', '8080:80', 'web');
    const picture = await daemon.bridgeport('map', '--width', '120');
    assert.match(picture, /via 10\.99\.0\.1/);
    assert.match(picture, /eth0 {3}10\.99\.0\.2\/24 fd99::2\/64/);
    assert.match(picture, /docker0 · network bridge/);
    assert.match(picture, /╰─ veth[0-9a-f]{7} #\d+ ══ #\d+ eth0 ─┤ 172\.17\.0\.2\/16 {3}02:42:ac:11:00:02/);
    assert.match(picture, /0\.0\.0\.0:8080 ─▶ 80\/tcp {3}kernel \+ proxy/);
    assert.match(picture, /1 container on 1 network · 1 published port/);
  });

  it('tells the truth after somebody changed the network by hand', async () => {
    const { cli, host } = stage;
    await cli('run', '-d', '--name', 'web', 'web');
    const pid = await pidOf(cli, 'web');
    await inNetworkOf(pid, 'ip', 'address', 'add', '10.9.9.9/32', 'dev', 'eth0');
    await host.ok('ip', 'link', 'set', 'docker0', 'mtu', '1400');
    const changed = await read();
    assert.deepEqual(changed.endpoints[0]?.addresses, ['172.17.0.2/16', '10.9.9.9/32']);
    assert.equal(changed.networks[0]?.bridge?.mtu, 1400);
    await host.ok('ip', 'link', 'set', 'docker0', 'mtu', '1500');
    await cli('kill', 'web');
    const stopped = (await read()).endpoints[0];
    assert.deepEqual(
      [stopped?.container.state, stopped?.hostVeth, stopped?.addresses],
      ['exited', undefined, []],
    );
  });

  it('is the same of an engine that only speaks the Docker API, and not drawn from the wrong namespace', async () => {
    const { cli, daemon, host } = stage;
    await cli('network', 'create', 'back');
    await cli('run', '-d', '--name', 'web', '-p', '8080:80', 'web');
    await cli('run', '-d', '--name', 'both', '--network', 'back', 'busybox', 'sleep', '600');
    await cli('network', 'connect', 'bridge', 'both');
    await using engine = await dockerOnly(daemon.socket, join(daemon.root, 'docker-only.sock'));
    const [program = ''] = daemon.bridgeport.command;
    const words = [program, '--host', `unix://${engine.path}`];
    const options = { env: daemon.bridgeport.env };

    const seen = JSON.parse(await ok([...host.enter, ...words, 'map', '--json'], options)) as NetworkMap;
    const told = await read();
    // Names are those that the API tells: without those of the daemon's own resolver.
    const bare = (map: NetworkMap) => map.endpoints.map(({ names, ...rest }) => rest);
    assert.deepEqual(seen.host, told.host);
    assert.deepEqual(
      seen.networks.map(({ options: _, ...rest }) => rest),
      told.networks.map(({ options: _, ...rest }) => rest),
    );
    assert.deepEqual(bare(seen), bare(told));

    const outside = JSON.parse(await ok([...words, 'map', '--json'], options)) as NetworkMap;
    assert.deepEqual(outside.host.interfaces, []);
    assert.match(outside.host.note ?? '', /another network namespace/);
    assert.deepEqual(
      outside.endpoints.filter(({ hostVeth }) => hostVeth !== undefined),
      [],
    );
    const why = await run([...words, 'why', 'web', 'both'], options);
    assert.equal(why.code, 1);
    assert.match(why.stderr, /another network namespace/);
  });
});

/** The engine behind `socket`, without what Docker's has not. */
async function dockerOnly(socket: string, path: string): Promise<AsyncDisposable & { path: string }> {
  const server = createServer((asked, answer) => {
    if (asked.url?.startsWith('/bridgeport/')) {
      answer.writeHead(404, { 'Content-Type': 'application/json' }).end('{"message":"page not found"}');
      return;
    }
    const { method, url, headers } = asked;
    const forwarded = request({ socketPath: socket, method, path: url, headers }, (response) => {
      answer.writeHead(response.statusCode ?? 500, response.headers);
      response.pipe(answer);
    });
    forwarded.once('error', (error) => answer.destroy(error));
    asked.pipe(forwarded);
  });
  server.listen(path);
  await once(server, 'listening');
  return {
    path,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}
