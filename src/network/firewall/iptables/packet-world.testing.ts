/** A small world of namespaces: a host with bridges, containers on them, and a neighbour on the host's LAN. Needs root. */

import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface, type Interface } from 'node:readline';
import { TestNamespace } from './namespace.testing.ts';
import type { Order } from './packet-agent.testing.ts';

const AGENT = new URL('./packet-agent.testing.ts', import.meta.url).pathname;

/** How long an answer may take that is expected not to come. */
const PATIENCE_MS = 400;

/** One namespace that sends and answers packets. */
export class Station implements Disposable {
  readonly namespace: TestNamespace;
  readonly #agent: ChildProcess;
  readonly #answers: AsyncIterator<string>;
  readonly #lines: Interface;

  constructor(label: string) {
    this.namespace = new TestNamespace(label);
    const [program = '', ...args] = [...this.namespace.enter, process.execPath, AGENT];
    this.#agent = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#lines = createInterface({ input: this.#agent.stdout! });
    this.#answers = this.#lines[Symbol.asyncIterator]();
  }

  /** One configuration command, written as in a shell but without its quoting. */
  sh(command: string): void {
    this.namespace.run(...command.split(' '));
  }

  async serve(proto: 'tcp' | 'udp', ports: readonly number[], address = '::'): Promise<void> {
    for (const port of ports) {
      const answer = await this.#order({ do: 'serve', proto, address, port });
      if (answer !== 'serving') throw new Error(`serve ${proto} ${port}: ${answer}`);
    }
  }

  /** The server's `port client-address`, or `no answer`, or the code of an error. */
  ask(
    address: string,
    port: number,
    options: { proto?: 'tcp' | 'udp'; localPort?: number; hold?: boolean } = {},
  ): Promise<string> {
    return this.#order({ do: 'ask', proto: 'tcp', address, port, timeoutMs: PATIENCE_MS, ...options });
  }

  async #order(order: Order): Promise<string> {
    this.#agent.stdin?.write(`${JSON.stringify(order)}\n`);
    const { value } = await this.#answers.next();
    return JSON.parse(value ?? '"the agent is gone"') as string;
  }

  [Symbol.dispose](): void {
    this.#lines.close();
    this.#agent.kill('SIGKILL');
    this.namespace[Symbol.dispose]();
  }
}

/**
 * ```
 * lan 10.9.0.2 ── 10.9.0.1, 10.9.0.11 host ── docker0 172.17.0.1/16 ── web 172.17.0.2, other 172.17.0.3
 *                                       └──── br-b   172.18.0.1/16 ── stranger 172.18.0.2
 * ```
 * The same with fd00:9::/64, fd00:17::/64 and fd00:18::/64. `lan` has routes to both bridges' subnets, by `host`.
 */
export class PacketWorld implements Disposable {
  readonly host: Station;
  readonly lan: Station;
  readonly web: Station;
  readonly other: Station;
  readonly stranger: Station;
  readonly #made = new DisposableStack();

  constructor() {
    try {
      const make = (label: string) => this.#made.use(new Station(label));
      this.host = make('host');
      this.lan = make('lan');
      this.web = make('web');
      this.other = make('other');
      this.stranger = make('strange');
      this.#wire();
    } catch (error) {
      this.#made.dispose();
      throw error;
    }
  }

  #wire(): void {
    const { host, lan } = this;
    host.sh('sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1');
    host.sh(`ip link add eth0 type veth peer name eth0 netns ${lan.namespace.name}`);
    host.sh('ip link set eth0 up');
    lan.sh('ip link set eth0 up');
    for (const address of ['10.9.0.1/24', '10.9.0.11/24', 'fd00:9::1/64']) address6(host, address, 'eth0');
    for (const address of ['10.9.0.2/24', 'fd00:9::2/64']) address6(lan, address, 'eth0');
    for (const number of [17, 18]) {
      lan.sh(`ip route add 172.${number}.0.0/16 via 10.9.0.1`);
      lan.sh(`ip route add fd00:${number}::/64 via fd00:9::1`);
    }
    this.#bridge('docker0', 17, [this.web, this.other]);
    this.#bridge('br-b', 18, [this.stranger]);
  }

  #bridge(name: string, number: number, containers: readonly Station[]): void {
    const { host } = this;
    host.sh(`ip link add ${name} type bridge`);
    address6(host, `172.${number}.0.1/16`, name);
    address6(host, `fd00:${number}::1/64`, name);
    host.sh(`ip link set ${name} up`);
    for (const [index, container] of containers.entries()) {
      const veth = `veth${number}${index}`;
      host.sh(`ip link add ${veth} type veth peer name eth0 netns ${container.namespace.name}`);
      host.sh(`ip link set ${veth} master ${name} up`);
      // As Docker without the proxy: a container reaches itself by the host's address.
      host.sh(`bridge link set dev ${veth} hairpin on`);
      container.sh('ip link set eth0 up');
      address6(container, `172.${number}.0.${index + 2}/16`, 'eth0');
      address6(container, `fd00:${number}::${index + 2}/64`, 'eth0');
      container.sh(`ip route add default via 172.${number}.0.1`);
      container.sh(`ip route add default via fd00:${number}::1`);
    }
  }

  [Symbol.dispose](): void {
    this.#made.dispose();
  }
}

/** Adds an address; an IPv6 one without duplicate address detection, which would keep it silent for a second. */
function address6(station: Station, address: string, dev: string): void {
  station.sh(`ip addr add ${address} dev ${dev}${address.includes(':') ? ' nodad' : ''}`);
}
