/** The port keeper: the parts of the proxy wired together, and what each control request does. */
import { invalid, messageOf } from '../base/errors.ts';
import { PROXY_CONTROL_VERSION, type ProxyRequest, type ProxyStats } from '../base/proxy-control.ts';
import { EpollLoop } from '../kernel/epoll/loop.ts';
import { PipePool } from '../kernel/epoll/pipe.ts';
import { AcceptGate } from './accept-gate.ts';
import { ControlServer } from './control-server.ts';
import { newCounters } from './counters.ts';
import { checkMappings } from './mapping.ts';
import { PortTable } from './port-table.ts';
import { Targets } from './target.ts';
import { TcpPort, type TcpPortTools } from './tcp-port.ts';

/** Bytes copied at once; a read that fills it makes the flow a matter for splice(2). */
const SCRATCH = 64 << 10;
/** Capacity of a pipe, bytes. */
const PIPE_CAPACITY = 256 << 10;
const SPARE_PIPES = 32;
/** Descriptors kept back from connections: for control, new ports and pipes. */
const RESERVE = 128;

export interface KeeperOptions {
  /** Path of the control socket. */
  controlPath: string;
  /** Most descriptors this process may have. */
  descriptorLimit: number;
}

export class Keeper {
  readonly #options: KeeperOptions;
  readonly #loop: EpollLoop;
  readonly #tools: TcpPortTools;
  readonly #ports: PortTable;
  readonly #control: ControlServer;

  constructor(options: KeeperOptions) {
    this.#options = options;
    this.#loop = new EpollLoop({
      onFault: (error) =>
        process.stderr.write(`port keeper: ${error instanceof Error ? error.stack : messageOf(error)}\n`),
    });
    const counters = newCounters();
    const gate = new AcceptGate(this.#loop, counters);
    this.#tools = {
      loop: this.#loop,
      counters,
      gate,
      scratch: Buffer.allocUnsafeSlow(SCRATCH),
      pipes: new PipePool({ capacity: PIPE_CAPACITY, spares: SPARE_PIPES }),
      targets: new Targets(),
      hasRoom: () => this.#descriptors() + RESERVE < options.descriptorLimit,
      onRoom: () => gate.resume(),
    };
    this.#ports = new PortTable((proto, ip, port) => {
      if (proto === 'udp') throw invalid('udp is not built yet');
      return new TcpPort(ip, port, this.#tools);
    });
    this.#control = new ControlServer(options.controlPath, this.#loop, this.#tools.scratch, (request) =>
      this.#handle(request),
    );
  }

  /** Blocks until a `shutdown` request. */
  run(): void {
    this.#loop.run();
    this.#ports.set([]);
    this.#control.close();
    this.#loop.close();
  }

  #handle(request: ProxyRequest): unknown {
    switch (request.op) {
      case 'ping':
        return { version: PROXY_CONTROL_VERSION, pid: process.pid };
      case 'set': {
        this.#ports.set(checkMappings(request.mappings));
        return { bindings: this.#ports.bindings() };
      }
      case 'add': {
        const mappings = checkMappings(request.mappings);
        this.#ports.add(mappings);
        return { bindings: this.#ports.bindings(mappings.map(({ id }) => id)) };
      }
      case 'remove':
        if (!Array.isArray(request.ids)) throw invalid(`ids ${JSON.stringify(request.ids)} is no list`);
        return { removed: this.#ports.remove(request.ids) };
      case 'list':
        return { mappings: this.#ports.mappings(), bindings: this.#ports.bindings() };
      case 'stats':
        return this.#stats();
      case 'shutdown':
        this.#loop.stop();
        return {};
      default:
        throw invalid(`unknown operation ${JSON.stringify((request as { op: unknown }).op)}`);
    }
  }

  #stats(): ProxyStats {
    const { counters, targets } = this.#tools;
    return {
      pid: process.pid,
      uptimeSeconds: process.uptime(),
      rssBytes: process.memoryUsage.rss(),
      descriptors: {
        open: this.#descriptors(),
        limit: this.#options.descriptorLimit,
      },
      ports: this.#ports.size,
      tcp: counters.tcp,
      udp: counters.udp,
      targets: targets.stats(),
    };
  }

  /** As far as they grow with use. */
  #descriptors(): number {
    const { counters, pipes } = this.#tools;
    return this.#ports.size + counters.tcp.active * 2 + counters.udp.active + pipes.descriptors;
  }
}
