/** The world of `packets.root.test.ts`, whose picture is there, and what its stations do besides asking. */

import { execFile, execFileSync } from 'node:child_process';
import type { Station, World } from './world.testing.ts';

export const HOST = '10.9.0.1';

export interface Stations {
  readonly lan: Station;
  readonly far: Station;
  readonly web: Station;
  readonly other: Station;
  readonly stranger: Station;
}

export function wire(world: World): Stations {
  const { host } = world;
  const make = (name: string) => world.station(name);
  const stations = {
    lan: make('lan'),
    far: make('far'),
    web: make('web'),
    other: make('other'),
    stranger: make('stranger'),
  };
  const { lan, far, web, other, stranger } = stations;
  world.plug(lan, { hostLink: 'eth0' });
  host.addresses('eth0', '10.9.0.1/24', '10.9.0.11/24', 'fd00:9::1/64');
  lan.addresses('eth0', '10.9.0.2/24', 'fd00:9::2/64');
  world.plug(far, { hostLink: 'eth1' });
  host.addresses('eth1', '10.8.0.1/24');
  far.addresses('eth0', '10.8.0.2/24');
  lan.route.addRoute({ destination: '10.8.0.0/24', gateway: HOST });
  far.route.addRoute({ destination: '10.9.0.0/24', gateway: '10.8.0.1' });
  far.route.addRoute({ destination: '172.17.0.0/16', gateway: '10.8.0.1' });
  for (const [bridge, number, containers] of [
    ['docker0', 17, [web, other]],
    ['br-b', 18, [stranger]],
  ] as const) {
    lan.route.addRoute({ destination: `172.${number}.0.0/16`, gateway: HOST });
    lan.route.addRoute({ destination: `fd00:${number}::/64`, gateway: 'fd00:9::1' });
    host.route.addLink({ kind: 'bridge', name: bridge, up: true });
    host.addresses(bridge, `172.${number}.0.1/16`, `fd00:${number}::1/64`);
    for (const [index, container] of containers.entries()) {
      world.plug(container, { hostLink: `veth${number}${index}`, bridge });
      container.addresses('eth0', `172.${number}.0.${index + 2}/16`, `fd00:${number}::${index + 2}/64`);
      container.route.addRoute({ destination: 'default', gateway: `172.${number}.0.1` });
      container.route.addRoute({ destination: 'default', gateway: `fd00:${number}::1` });
    }
  }
  return stations;
}

/** Makes a station send packets for 127.0.0.0/8 to `gateway`, as no well-behaved one would. */
export function sendLoopbackTo(station: Station, gateway: string): void {
  station.sysctl('net.ipv4.conf.all.route_localnet', 1);
  // Gone already when this has been done before.
  const loopback = 'dev lo table local 2>/dev/null || true';
  run(
    station,
    'sh',
    '-c',
    `ip route del local 127.0.0.0/8 ${loopback}; ip route del local 127.0.0.1 ${loopback}`,
  );
  run(station, 'ip', 'route', 'replace', '127.0.0.0/8', 'via', gateway);
  run(station, 'ip', 'addr', 'replace', '127.0.0.2/32', 'dev', 'eth0');
}

export function linkLocalOf(station: Station, link: string): string {
  const { index } = station.route.link(link);
  const found = station.route.addresses({ link: index, family: 6 }).find(({ scope }) => scope === 'link');
  return found?.address ?? '';
}

/** What a server on the other end of eth0 says to a client with a link-local address: in a process of its own, which knows scopes. */
export function askLinkLocal(station: Station, host: string, port: number): Promise<string> {
  const script = `
    const socket = require('node:net').connect({ host: '${host}%eth0', port: ${port} });
    socket.on('data', (data) => { process.stdout.write(data); socket.destroy(); });
    socket.on('error', (error) => { process.stdout.write(error.code); });`;
  return new Promise((resolve) => {
    station.within(() => {
      execFile(process.execPath, ['-e', script], { timeout: 10_000 }, (_, stdout) =>
        resolve(stdout.replace(/%\w+/, '')),
      );
    });
  });
}

export function run(station: Station, program: string, ...args: string[]): void {
  station.within(() => execFileSync(program, args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: 10_000 }));
}
