/**
 * The ports that are bound, and the one way to change them: all of a change or nothing of it.
 *
 * A change first binds what is missing; only when all of that succeeded is anything taken away. A port that one mapping
 * gives up and another takes over in the same change keeps its socket, so nobody else can slip in between.
 *
 * Changes are made step by step, a port at a time, since thousands of ports take longer than traffic may wait: between two steps
 * whoever runs them may do anything but begin another change.
 */
import { BridgeportError, conflict } from '../base/errors.ts';
import type { ProxyBinding, ProxyFailure, ProxyMapping } from '../base/proxy-control.ts';
import { type SocketAddress, socketAddress } from '../kernel/epoll/sockaddr.ts';
import { errnoName } from '../kernel/ffi/errno.ts';
import { hostPortsOf, portName, satisfies } from './mapping.ts';
import { Route } from './route.ts';

/** A bound host port. Whatever comes waits until it has a route. */
export interface BoundPort {
  readonly port: number;
  route: Route | undefined;
  close(): void;
}

/** Binds one host port; throws a `BridgeportError` with `errno`. */
export type OpenPort = (proto: ProxyMapping['proto'], address: SocketAddress, port: number) => BoundPort;

type HostPort = NonNullable<ProxyFailure['port']>;

/** The error of a port that could not be bound, with the port as data. */
export class PortError extends BridgeportError {
  readonly port: HostPort;
  /** Ports of the same change that are taken, this one among them. */
  taken: readonly HostPort[];

  constructor(port: HostPort, reason: unknown) {
    const errno = reason instanceof BridgeportError ? reason.errno : undefined;
    const words = reason instanceof Error ? reason.message.split(': ').at(-1) : String(reason);
    const name = portName(port.proto, port.hostIp, port.hostPort);
    const kind = errno === 'EADDRINUSE' ? 'conflict' : 'internal';
    super(kind, `failed to bind host port ${name}: ${words}`, { errno, cause: reason });
    this.port = port;
    this.taken = [port];
  }
}

interface Installed {
  readonly route: Route;
  /** Ascending. */
  readonly ports: readonly BoundPort[];
}

/** What a change has done so far, to be undone if it fails. */
interface Progress {
  /** Routes of the mappings that leave. */
  readonly leaving: ReadonlySet<Route>;
  /** Ports of leaving mappings that a new one takes over. */
  readonly claimed: Set<BoundPort>;
  readonly opened: Array<{ of: ProxyMapping; port: BoundPort }>;
  /** What kept the change from being made: who chose the ports can then choose others in place of all of them. */
  readonly refused: PortError[];
}

const EADDRINUSE = 98;
/** So many ports that are taken are enough to know. */
const MOST_REFUSED = 1000;

/** A change under way: each step does a little of it. */
export type Steps<Result = void> = Generator<void, Result>;

export class PortTable {
  readonly #open: OpenPort;
  readonly #installed = new Map<string, Installed>();
  /** By protocol and address, then by port. */
  readonly #bound = new Map<string, Map<number, BoundPort>>();
  #size = 0;

  constructor(open: OpenPort) {
    this.#open = open;
  }

  /** Makes `mappings` the whole table. */
  set(mappings: ProxyMapping[]): Steps {
    return this.#change([...this.#installed.keys()], mappings);
  }

  /**
   * Adds `mappings`; one whose id stands already is left alone when it is the same, replaced when not.
   *
   * @param instead ids of mappings that leave in the same change; unknown ones are ignored
   */
  add(mappings: ProxyMapping[], instead: readonly string[] = []): Steps {
    const leaving = new Set([...mappings.map((mapping) => mapping.id), ...instead]);
    return this.#change(
      [...leaving].filter((id) => this.#installed.has(id)),
      mappings,
    );
  }

  /** @returns how many of `ids` there were */
  *remove(ids: string[]): Steps<number> {
    const present = ids.filter((id) => this.#installed.has(id));
    yield* this.#change(present, []);
    return present.length;
  }

  mappings(): ProxyMapping[] {
    return [...this.#installed.values()].map(({ route }) => route.mapping);
  }

  /** The ports as bound, of all mappings or of `ids`. */
  bindings(ids: Iterable<string> = this.#installed.keys()): ProxyBinding[] {
    return [...ids].flatMap((id) => {
      const ports = this.#installed.get(id)?.ports ?? [];
      return ports.length === 0 ? [] : [{ id, hostPort: ports[0]!.port, hostPortEnd: ports.at(-1)!.port }];
    });
  }

  /** Number of bound ports. */
  get size(): number {
    return this.#size;
  }

  *#change(leaving: string[], wanted: ProxyMapping[]): Steps {
    const going = new Map(leaving.map((id) => [id, this.#installed.get(id)!]));
    const fresh: ProxyMapping[] = [];
    for (const mapping of wanted) {
      const standing = going.get(mapping.id);
      if (standing !== undefined && satisfies(standing.route.mapping, mapping)) going.delete(mapping.id);
      else fresh.push(mapping);
    }
    const progress: Progress = {
      leaving: new Set([...going.values()].map(({ route }) => route)),
      claimed: new Set(),
      opened: [],
      refused: [],
    };
    const entries: Installed[] = [];
    try {
      for (const mapping of fresh) entries.push(yield* this.#install(mapping, progress));
      const [first] = progress.refused;
      if (first !== undefined) {
        first.taken = progress.refused.map(({ port }) => port);
        throw first;
      }
    } catch (error) {
      for (const { of, port } of progress.opened) {
        this.#unbind(of, port);
        yield;
      }
      throw error;
    }
    for (const { route, ports } of entries) {
      for (const port of ports) {
        port.route?.handOver(port.port, route);
        port.route = route;
        yield;
      }
    }
    for (const [id, entry] of going) yield* this.#uninstall(id, entry, progress.claimed);
    for (const entry of entries) this.#installed.set(entry.route.mapping.id, entry);
  }

  /**
   * Binds the ports of `mapping`, or takes them from those that leave, without giving them their route yet. One that is taken is told to
   * `progress` and left out; another error is thrown.
   */
  *#install(mapping: ProxyMapping, progress: Progress): Steps<Installed> {
    const address = socketAddress(mapping.hostIp, 0);
    const ports: BoundPort[] = [];
    for (const wanted of hostPortsOf(mapping)) {
      if (progress.refused.length >= MOST_REFUSED) break;
      try {
        ports.push(this.#obtain(mapping, address, wanted, progress));
      } catch (error) {
        if (!(error instanceof PortError) || error.kind !== 'conflict') throw error;
        progress.refused.push(error);
      }
      yield;
    }
    const chosen = ports[0]?.port ?? mapping.hostPort;
    const settled = mapping.hostPort === 0 ? { ...mapping, hostPort: chosen, hostPortEnd: chosen } : mapping;
    return { route: new Route(settled), ports };
  }

  #obtain(mapping: ProxyMapping, address: SocketAddress, wanted: number, progress: Progress): BoundPort {
    const standing = this.#spaceOf(mapping).get(wanted);
    if (standing !== undefined) return claim(mapping, standing, progress);
    try {
      const port = this.#open(mapping.proto, address, wanted);
      this.#spaceOf(mapping).set(port.port, port);
      this.#size++;
      progress.opened.push({ of: mapping, port });
      return port;
    } catch (error) {
      throw new PortError({ proto: mapping.proto, hostIp: mapping.hostIp, hostPort: wanted }, error);
    }
  }

  *#uninstall(id: string, { route, ports }: Installed, claimed: ReadonlySet<BoundPort>): Steps {
    this.#installed.delete(id);
    for (const port of ports) {
      if (claimed.has(port)) continue;
      this.#unbind(route.mapping, port);
      yield;
    }
    // Last: as long as one of its ports was bound, more could come by it.
    route.close();
  }

  #unbind(mapping: ProxyMapping, port: BoundPort): void {
    this.#spaceOf(mapping).delete(port.port);
    this.#size--;
    port.close();
  }

  /** The ports bound for a protocol on an address. */
  #spaceOf({ proto, hostIp }: ProxyMapping): Map<number, BoundPort> {
    const key = `${proto} ${hostIp}`;
    let space = this.#bound.get(key);
    if (space === undefined) {
      space = new Map();
      this.#bound.set(key, space);
    }
    return space;
  }
}

/** Takes over a port whose mapping leaves; throws when its mapping stays, or when another new one has taken it. */
function claim({ proto, hostIp }: ProxyMapping, port: BoundPort, { leaving, claimed }: Progress): BoundPort {
  if (port.route === undefined || !leaving.has(port.route) || claimed.has(port)) {
    throw new PortError(
      { proto, hostIp, hostPort: port.port },
      conflict('address already in use', { errno: errnoName(EADDRINUSE) }),
    );
  }
  claimed.add(port);
  return port;
}
