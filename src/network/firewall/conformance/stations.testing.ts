/** Builds the world of `layout.ts`, and asks one cell of it. */

import { type Cell, describeCell, expectedOutcome, type Outcome } from './cell.ts';
import {
  addressOf,
  bridgeOf,
  CONTAINER_PORTS,
  type Container,
  type Family,
  gatewayOf,
  HOST_SERVICE_PORT,
  hostAddress,
  hostPortOf,
  loopbackOf,
  membersOf,
  NETWORK_NAMES,
  NETWORKS,
  type NetworkName,
  OUTSIDE_PORT,
  splitContainer,
  subnetOf,
  type Who,
} from './layout.ts';
import { type Station, World } from './world.testing.ts';

/** As many questions at once; each costs a socket or two. */
const AT_ONCE = 150;
const SECOND_PATIENCE_MS = 4000;

const FAMILIES: readonly Family[] = ['v4', 'v6'];
const PROTOS = ['tcp', 'udp'] as const;
const length = (family: Family) => (family === 'v4' ? 16 : 64);

export class ConformanceWorld implements Disposable {
  readonly world: World;
  readonly #stations = new Map<Who, Station>();

  private constructor(world: World) {
    this.world = world;
    this.#stations.set('host', world.host);
  }

  static async open(): Promise<ConformanceWorld> {
    const world = await World.open();
    try {
      const built = new ConformanceWorld(world);
      built.#wireOutside('lan', 'eth0', ['10.9.0.11/24']);
      built.#wireOutside('world', 'eth1', []);
      for (const network of NETWORK_NAMES) built.#wireNetwork(network);
      await built.#serve();
      return built;
    } catch (error) {
      world[Symbol.dispose]();
      throw error;
    }
  }

  station(who: Who): Station {
    const found = this.#stations.get(who);
    if (found === undefined) throw new Error(`no station ${who}`);
    return found;
  }

  /** Every station that is somebody's on a bridge, with its namespace. */
  containers(): Array<{ who: Container; path: string }> {
    return [...this.#stations].flatMap(([who, { netns }]) =>
      who === 'host' || who === 'lan' || who === 'world' ? [] : [{ who, path: netns.path }],
    );
  }

  /** With the proxy off, the daemon lets the kernel route what comes from loopback. */
  setRouteLocalnet(on: boolean): void {
    for (const network of NETWORK_NAMES) {
      this.world.host.sysctl(`net.ipv4.conf.${bridgeOf(network)}.route_localnet`, on ? 1 : 0);
    }
  }

  /** What packets say other than the cells, in sentences; cells that this host cannot tell anything about aside. */
  async disagreements(cells: readonly Cell[], userlandProxy: boolean): Promise<string[]> {
    const asked = cells.filter((cell) => cell.bridged !== true || this.world.bridgedPacketsAreFiltered);
    const check = async (cell: Cell) => {
      const expected = expectedOutcome(cell, userlandProxy);
      if ((await this.outcome(cell)) === expected) return undefined;
      // A busy machine can be late with an answer: what is not as it should be is asked again, with time.
      const outcome = await this.outcome(cell, SECOND_PATIENCE_MS);
      return outcome === expected
        ? undefined
        : `${describeCell(cell)}: ${outcome}, want ${expected}: ${cell.why}`;
    };
    const wrong: string[] = [];
    for (let start = 0; start < asked.length; start += AT_ONCE) {
      const results = await Promise.all(asked.slice(start, start + AT_ONCE).map(check));
      wrong.push(...results.filter((line) => line !== undefined));
    }
    return wrong;
  }

  /** Who answers a cell's question, in a cell's words; or the answer itself when it is none of them. */
  async outcome(cell: Cell, patienceMs?: number): Promise<string> {
    const { from, proto } = cell;
    const { address, port } = this.target(cell);
    const answer = await this.station(from).ask(address, port, {
      proto,
      ...(patienceMs === undefined ? {} : { patienceMs }),
    });
    return this.#read(cell, answer);
  }

  /** The address and port that a cell's question goes to. */
  target({ from, to, way, port, family }: Cell): { address: string; port: number } {
    if ('station' in to) {
      if (to.station === 'host') {
        const [network] = splitContainer(from as Container);
        return { address: gatewayOf(network, family), port: HOST_SERVICE_PORT };
      }
      return { address: addressOf(to.station, family), port: OUTSIDE_PORT };
    }
    if (port === 'service') throw new Error('a container serves by kind of port');
    if (way === 'direct') {
      return { address: addressOf(`${to.network}.server`, family), port: CONTAINER_PORTS[port] };
    }
    const hostPort = hostPortOf(to.network, port);
    if (way === 'loopback') return { address: loopbackOf(family), port: hostPort };
    if (way === 'host') {
      return { address: hostAddress(from === 'world' ? 'world' : 'lan', family), port: hostPort };
    }
    const [network] = splitContainer(from as Container);
    return { address: gatewayOf(network, family), port: hostPort };
  }

  #read({ from, to, port, family }: Cell, answer: string): Outcome | string {
    if (answer === 'no answer') return 'silence';
    if (answer === 'heard, no answer') return 'unanswered';
    if (answer === 'ECONNREFUSED') return 'refused';
    const [server, serverPort, client = '', ...rest] = answer.split(' ');
    if (server === 'proxy') return 'proxy';
    const wantedServer = 'station' in to ? to.station : `${to.network}.server`;
    const wantedPort =
      port !== 'service'
        ? CONTAINER_PORTS[port]
        : 'station' in to && to.station === 'host'
          ? HOST_SERVICE_PORT
          : OUTSIDE_PORT;
    if (server !== wantedServer || serverPort !== `${wantedPort}` || rest.length > 0) return answer;
    if ('network' in to && client === gatewayOf(to.network, family)) return 'gateway';
    if ((['lan', 'world'] as const).some((side) => client === hostAddress(side, family))) return 'host';
    return client === addressOf(from, family) ? 'itself' : answer;
  }

  #wireOutside(who: 'lan' | 'world', hostLink: string, further: readonly string[]): void {
    const { world } = this;
    const station = world.station(who);
    this.#stations.set(who, station);
    world.plug(station, { hostLink });
    for (const family of FAMILIES) {
      const size = family === 'v4' ? 24 : 64;
      world.host.addresses(hostLink, `${hostAddress(who, family)}/${size}`);
      station.addresses('eth0', `${addressOf(who, family)}/${size}`);
      if (who === 'world') continue;
      for (const network of NETWORK_NAMES) {
        station.route.addRoute({
          destination: subnetOf(network, family),
          gateway: hostAddress(who, family),
        });
      }
    }
    world.host.addresses(hostLink, ...further);
  }

  #wireNetwork(name: NetworkName): void {
    const { world } = this;
    const { host } = world;
    const bridge = bridgeOf(name);
    const { mode } = NETWORKS[name];
    const { index } = host.route.addLink({ kind: 'bridge', name: bridge, up: true });
    for (const family of FAMILIES) {
      if (mode !== 'isolated') host.addresses(bridge, `${gatewayOf(name, family)}/${length(family)}`);
      // The host has no address there, but somebody may have given it a route.
      else host.route.addRoute({ destination: subnetOf(name, family), link: index });
    }
    for (const member of membersOf(name)) {
      const who: Container = `${name}.${member}`;
      const station = world.station(who);
      this.#stations.set(who, station);
      world.plug(station, { hostLink: `v${NETWORKS[name].number}-${member}`, bridge });
      const link = station.route.link('eth0').index;
      for (const family of FAMILIES) {
        station.addresses('eth0', `${addressOf(who, family)}/${length(family)}`);
        const gateway = gatewayOf(name, family);
        station.route.addRoute({ destination: 'default', gateway });
        // Nobody answers for the gateway of an isolated network; a container that knows the bridge's MAC needs no answer.
        if (mode === 'isolated') {
          const { mac } = host.route.link(bridge);
          station.route.addNeighbour({
            link,
            address: gateway,
            mac: mac ?? '',
            state: ['permanent'],
          } as never);
        }
      }
    }
  }

  async #serve(): Promise<void> {
    const serving: Promise<void>[] = [];
    for (const [who, station] of this.#stations) {
      if (who.endsWith('.server')) {
        for (const proto of PROTOS) serving.push(station.serve(proto, Object.values(CONTAINER_PORTS)));
      }
    }
    for (const proto of PROTOS) {
      for (const who of ['lan', 'world'] as const)
        serving.push(this.station(who).serve(proto, [OUTSIDE_PORT]));
      const { host } = this.world;
      serving.push(host.serve(proto, [HOST_SERVICE_PORT]));
      // What listens on the published ports, as the userland proxy does: an answer from there tells that the kernel did not
      // translate. Only networks that publish have it.
      for (const network of ['nat', 'other', 'noicc', 'open', 'trusting'] as const) {
        serving.push(host.serve(proto, [hostPortOf(network, 'published')], { as: 'proxy' }));
        for (const family of FAMILIES) {
          const address = loopbackOf(family);
          serving.push(host.serve(proto, [hostPortOf(network, 'loopback')], { as: 'proxy', address }));
        }
      }
    }
    await Promise.all(serving);
  }

  [Symbol.dispose](): void {
    this.world[Symbol.dispose]();
  }
}
