/** The port keeper: the parts of the proxy wired together, and what each control request does. */
import { BridgeportError, invalid, messageOf } from '../base/errors.ts';
import { PROXY_CONTROL_VERSION, type ProxyRequest, type ProxyStats } from '../base/proxy-control.ts';
import { DatagramBatch } from '../kernel/epoll/datagrams.ts';
import { EpollLoop } from '../kernel/epoll/loop.ts';
import { PipePool } from '../kernel/epoll/pipe.ts';
import { libc } from '../kernel/ffi/libc.ts';
import { AcceptGate } from './accept-gate.ts';
import { ControlServer } from './control-server.ts';
import { type Counters, newCounters } from './counters.ts';
import { HeldFiles } from './held-files.ts';
import { checkMappings } from './mapping.ts';
import { PortTable, type Steps } from './port-table.ts';
import { Targets } from './target.ts';
import { TcpPort, type TcpPortTools } from './tcp-port.ts';
import { UdpFlows } from './udp-flows.ts';
import { UdpPort, type UdpPortTools } from './udp-port.ts';

/** Bytes copied at once; a read that fills it makes the flow a matter for splice(2). */
const SCRATCH = 64 << 10;
/**
 * Capacity of a pipe, bytes: what root may ask for everywhere (`fs.pipe-max-size`). Per gigabyte the keeper used 335 ms of a
 * processor with 64 KiB, 306 with 256 KiB, 225 with 1 MiB.
 */
const PIPE_CAPACITY = 1 << 20;
/** Bytes in all pipes together. */
const PIPE_BUDGET = 64 << 20;
const SPARE_PIPES = 32;
/** Descriptors kept back from ports and connections: for control and pipes. Without one for control, no daemon could take over. */
const RESERVE = 128;
/** Datagrams received and sent at once. */
const DATAGRAMS = 32;
/** Share of the descriptors that UDP flows may take. */
const UDP_SHARE = 0.25;

/**
 * So many ports bound or freed at once leave megabytes that nobody needs any more, and that would stay for as long as nothing
 * else allocates: 4 MB of 16,384 ports. Collecting them took 40 ms while the machine was busy, for which no traffic shall wait.
 */
const MANY_PORTS = 4096;

/**
 * How often free memory is given back, milliseconds. V8's great collections and the buffers of slow peers take some 20 MB from
 * malloc(3) for a moment, which by itself returns only what happens to lie at the end of its heap.
 */
const TIDY = 20_000;

const MOST_COMPLAINTS = 100;

export interface KeeperOptions {
  /** Path of the control socket. */
  controlPath: string;
  /** Most descriptors this process may have. */
  descriptorLimit: number;
  /** Milliseconds without a datagram until a UDP flow ends. */
  udpTimeout: number;
}

export class Keeper {
  readonly #options: KeeperOptions;
  readonly #loop: EpollLoop;
  readonly #tools: TcpPortTools;
  readonly #ports: PortTable;
  readonly #counters: Counters;
  readonly #control: ControlServer;
  readonly #held = new HeldFiles();
  #complaints = 0;
  #hasGarbage = false;

  constructor(options: KeeperOptions) {
    this.#options = options;
    this.#loop = new EpollLoop({
      onFault: (error) => this.#complain(error),
    });
    const counters = newCounters();
    const loop = this.#loop;
    const gate = new AcceptGate(loop, counters);
    this.#counters = counters;
    this.#tools = {
      loop,
      counters,
      gate,
      scratch: Buffer.allocUnsafeSlow(SCRATCH),
      pipes: new PipePool({ capacity: PIPE_CAPACITY, spares: SPARE_PIPES, budget: PIPE_BUDGET }),
      targets: new Targets(),
      hasRoom: () => this.#descriptors() + RESERVE < options.descriptorLimit,
      onRoom: () => gate.resume(),
    };
    const udpTools: UdpPortTools = {
      loop,
      counters,
      batch: new DatagramBatch(DATAGRAMS),
      flows: new UdpFlows(loop, counters, {
        idleTimeout: options.udpTimeout,
        limit: Math.floor(options.descriptorLimit * UDP_SHARE),
      }),
    };
    this.#ports = new PortTable((proto, address, port) => {
      if (!this.#tools.hasRoom()) throw tooManyFiles(options.descriptorLimit);
      return proto === 'udp' ? new UdpPort(address, port, udpTools) : new TcpPort(address, port, this.#tools);
    });
    this.#control = new ControlServer(options.controlPath, this.#loop, this.#tools.scratch, (request) =>
      this.#carryOut(request),
    );
  }

  /** Blocks until a `shutdown` request. */
  run(): void {
    this.#tidyLater(this.#counters.tcp.accepted);
    this.#loop.run();
    for (const _ of this.#ports.set([]));
    this.#control.close();
    this.#loop.close();
  }

  *#carryOut(request: ProxyRequest): Steps<unknown> {
    const before = this.#ports.size;
    try {
      return yield* this.#handle(request);
    } finally {
      if (Math.abs(this.#ports.size - before) >= MANY_PORTS) {
        this.#hasGarbage = true;
        this.#loop.after(0, () => this.#collectIfIdle());
      }
    }
  }

  #collectIfIdle(): void {
    const { tcp, udp } = this.#counters;
    if (!this.#hasGarbage || tcp.active + udp.active > 0) return;
    this.#hasGarbage = false;
    globalThis.gc?.({ execution: 'sync', flavor: 'last-resort' });
  }

  *#handle(request: ProxyRequest): Steps<unknown> {
    switch (request.op) {
      case 'ping':
        return { version: PROXY_CONTROL_VERSION, pid: process.pid };
      case 'set': {
        yield* this.#ports.set(checkMappings(request.mappings));
        return { bindings: this.#ports.bindings() };
      }
      case 'add': {
        const mappings = checkMappings(request.mappings);
        yield* this.#ports.add(mappings, checkIds(request.instead ?? []));
        return { bindings: this.#ports.bindings(mappings.map(({ id }) => id)) };
      }
      case 'remove':
        this.#tools.targets.prune();
        return { removed: yield* this.#ports.remove(checkIds(request.ids)) };
      case 'list':
        return { mappings: this.#ports.mappings(), bindings: this.#ports.bindings(), held: this.#held.ids() };
      case 'hold':
        this.#held.hold(request.id, request.paths);
        return {};
      case 'release':
        this.#held.release(request.ids);
        return {};
      case 'stats':
        return this.#stats();
      case 'shutdown':
        this.#loop.stop();
        return {};
      default:
        throw invalid(`unknown operation ${JSON.stringify((request as { op: unknown }).op)}`);
    }
  }

  /** @param accepted connections so far: nothing is done as long as it stays the same */
  #tidyLater(accepted: number): void {
    this.#loop.after(TIDY, () => {
      const now = this.#counters.tcp.accepted;
      if (now !== accepted) libc().malloc_trim(0);
      this.#collectIfIdle();
      this.#tidyLater(now);
    });
  }

  /** Only the first faults are told: standard error may be a pipe that nobody reads, and writing would block us. */
  #complain(error: unknown): void {
    if (++this.#complaints > MOST_COMPLAINTS) return;
    process.stderr.write(`port keeper: ${error instanceof Error ? error.stack : messageOf(error)}\n`);
  }

  #stats(): ProxyStats {
    const { tcp, udp } = this.#counters;
    return {
      pid: process.pid,
      uptimeSeconds: process.uptime(),
      rssBytes: process.memoryUsage.rss(),
      descriptors: { open: this.#descriptors(), limit: this.#options.descriptorLimit },
      ports: this.#ports.size,
      tcp,
      udp,
      targets: this.#tools.targets.stats(),
    };
  }

  /** As far as they grow with use. */
  #descriptors(): number {
    const { tcp, udp } = this.#counters;
    return this.#ports.size + tcp.active * 2 + udp.active + this.#tools.pipes.descriptors;
  }
}

function tooManyFiles(limit: number): BridgeportError {
  const whose = `the port keeper may have ${limit}, the daemon's hard limit (LimitNOFILE= of its unit, ulimit -Hn)`;
  return new BridgeportError('internal', `too many open files, ${whose}`, { errno: 'EMFILE' });
}

function checkIds(ids: unknown): string[] {
  if (!Array.isArray(ids)) throw invalid(`ids ${JSON.stringify(ids)} is no list`);
  return ids;
}
