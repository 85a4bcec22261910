/**
 * The ports that are bound, and the one way to change them: all of a change or nothing of it.
 *
 * A change first binds what is missing; only when all of that succeeded is anything taken away. A port that one mapping
 * gives up and another takes over in the same change keeps its socket, so nobody else can slip in between.
 */
import { BridgeportError, conflict } from '../base/errors.ts';
import type { ProxyBinding, ProxyFailure, ProxyMapping } from '../base/proxy-control.ts';
import { type SocketAddress, socketAddress } from '../kernel/epoll/sockaddr.ts';
import { errnoName } from '../kernel/ffi/errno.ts';
import { hostPortsOf, portName, satisfies } from './mapping.ts';
import { Route } from './route.ts';

/** A bound host port. It refuses whatever comes until it has a route. */
export interface BoundPort {
  readonly port: number;
  route: Route | undefined;
  close(): void;
}

/** Binds one host port; throws a `BridgeportError` with `errno`. */
export type OpenPort = (proto: ProxyMapping['proto'], address: SocketAddress, port: number) => BoundPort;

/** The error of a port that could not be bound, with the port as data. */
export class PortError extends BridgeportError {
  readonly port: NonNullable<ProxyFailure['port']>;

  constructor(port: NonNullable<ProxyFailure['port']>, reason: unknown) {
    const errno = reason instanceof BridgeportError ? reason.errno : undefined;
    const words = reason instanceof Error ? reason.message.split(': ').at(-1) : String(reason);
    const name = portName(port.proto, port.hostIp, port.hostPort);
    const kind = errno === 'EADDRINUSE' ? 'conflict' : 'internal';
    super(kind, `failed to bind host port ${name}: ${words}`, { errno, cause: reason });
    this.port = port;
  }
}

interface Installed {
  readonly route: Route;
  /** By name (`portName()`). */
  readonly ports: ReadonlyMap<string, BoundPort>;
}

const EADDRINUSE = 98;

export class PortTable {
  readonly #open: OpenPort;
  #installed = new Map<string, Installed>();
  #size = 0;

  constructor(open: OpenPort) {
    this.#open = open;
  }

  /** Makes `mappings` the whole table. */
  set(mappings: ProxyMapping[]): void {
    this.#change([...this.#installed.keys()], mappings);
  }

  /** Adds `mappings`; one whose id stands already is left alone when it is the same, replaced when not. */
  add(mappings: ProxyMapping[]): void {
    this.#change(
      mappings.map((mapping) => mapping.id).filter((id) => this.#installed.has(id)),
      mappings,
    );
  }

  /** @returns how many of `ids` there were */
  remove(ids: string[]): number {
    const present = ids.filter((id) => this.#installed.has(id));
    this.#change(present, []);
    return present.length;
  }

  mappings(): ProxyMapping[] {
    return [...this.#installed.values()].map(({ route }) => route.mapping);
  }

  /** The ports as bound, of all mappings or of `ids`. */
  bindings(ids: Iterable<string> = this.#installed.keys()): ProxyBinding[] {
    return [...ids].flatMap((id) => {
      const ports = [...(this.#installed.get(id)?.ports.values() ?? [])];
      return ports.length === 0 ? [] : [{ id, hostPort: ports[0]!.port, hostPortEnd: ports.at(-1)!.port }];
    });
  }

  /** Number of bound ports. */
  get size(): number {
    return this.#size;
  }

  #change(leaving: string[], wanted: ProxyMapping[]): void {
    const next = new Map(this.#installed);
    for (const id of leaving) next.delete(id);
    const fresh: ProxyMapping[] = [];
    for (const mapping of wanted) {
      const standing = this.#installed.get(mapping.id);
      if (standing !== undefined && satisfies(standing.route.mapping, mapping))
        next.set(mapping.id, standing);
      else fresh.push(mapping);
    }
    const kept = new Set(next.values());
    const given = this.#portsOf([...this.#installed.values()].filter((entry) => !kept.has(entry)));
    const taken = this.#portsOf(kept);
    const opened: BoundPort[] = [];
    try {
      for (const mapping of fresh) next.set(mapping.id, this.#install(mapping, given, taken, opened));
    } catch (error) {
      for (const port of opened) port.close();
      throw error;
    }
    const gone = [...this.#installed.values()].filter((entry) => !kept.has(entry));
    this.#installed = next;
    this.#size = taken.size;
    for (const { route } of gone) route.close();
    for (const [name, port] of given) if (!taken.has(name)) port.close();
    for (const mapping of fresh) {
      const { route, ports } = next.get(mapping.id)!;
      for (const port of ports.values()) port.route = route;
    }
  }

  /** Binds the ports of `mapping` (or takes them from `given`) without giving them their route yet. */
  #install(
    mapping: ProxyMapping,
    given: ReadonlyMap<string, BoundPort>,
    taken: Map<string, BoundPort>,
    opened: BoundPort[],
  ): Installed {
    const ports = new Map<string, BoundPort>();
    const address = socketAddress(mapping.hostIp, 0);
    for (const wanted of hostPortsOf(mapping)) {
      const { proto, hostIp } = mapping;
      const wantedName = portName(proto, hostIp, wanted);
      if (taken.has(wantedName)) {
        throw new PortError(
          { proto, hostIp, hostPort: wanted },
          conflict('address already in use', { errno: errnoName(EADDRINUSE) }),
        );
      }
      let port = given.get(wantedName);
      if (port === undefined) {
        try {
          port = this.#open(proto, address, wanted);
        } catch (error) {
          throw new PortError({ proto, hostIp, hostPort: wanted }, error);
        }
        opened.push(port);
      }
      const name = portName(proto, hostIp, port.port);
      ports.set(name, port);
      taken.set(name, port);
    }
    const [first] = ports.values();
    const bound =
      mapping.hostPort === 0 ? { ...mapping, hostPort: first!.port, hostPortEnd: first!.port } : mapping;
    return { route: new Route(bound), ports };
  }

  #portsOf(entries: Iterable<Installed>): Map<string, BoundPort> {
    return new Map([...entries].flatMap(({ ports }) => [...ports]));
  }
}
