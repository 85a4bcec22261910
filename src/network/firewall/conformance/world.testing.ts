/** The world of `layout.ts`, made of namespaces, bridges and sockets of this one process. Needs root. */

import { randomUUID } from 'node:crypto';
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { createServer, type Server, Socket } from 'node:net';
import type { Protocol } from '../../../base/ports.ts';
import { errnoName } from '../../../kernel/ffi/errno.ts';
import { check, lastErrno, libc } from '../../../kernel/ffi/libc.ts';
import { encodeSockaddr } from '../../../kernel/ffi/sockaddr.ts';
import { ConntrackClient, RouteClient } from '../../../kernel/netlink/index.ts';
import { type NetnsHandle, warmThreadPool, withNetns } from '../../../kernel/netns/index.ts';
import { openTcpListener, openUdpSocket } from '../../../kernel/sockets.ts';
import { tryReadSysctl, writeSysctl } from '../../../kernel/sysctl.ts';
import { type TestNetworks, testNetworks } from '../../../kernel/testing/netns.ts';

const NO_ANSWER = 'no answer';
/** How long an answer may take that is expected not to come. */
const PATIENCE_MS = 800;

/** `SOCK_STREAM = 1`, `SOCK_NONBLOCK = 04000`, `SOCK_CLOEXEC = 02000000` (linux/net.h) */
const SOCK_STREAM_NONBLOCK = 1 | 0o4000 | 0o2000000;
/** `#define AF_INET 2`, `#define AF_INET6 10` (linux/socket.h) */
const AF_INET = 2;
const AF_INET6 = 10;

export interface AskOptions {
  /** TCP or UDP; default TCP. */
  readonly proto?: Protocol;
  readonly localPort?: number;
  /** TCP: keep the connection open, so that its local port stays in use. */
  readonly hold?: boolean;
  /** How long to wait for an answer. Default 800. */
  readonly patienceMs?: number;
}

/** A connection that stays open: what is said comes back as it is. */
export interface Conversation {
  /** The answer, or `no answer`. */
  say(text: string): Promise<string>;
}

/** One namespace that sends and answers packets. */
export class Station {
  readonly name: string;
  readonly netns: NetnsHandle;
  readonly route: RouteClient;
  /** Datagrams that arrived here, by port. */
  readonly received = new Map<number, number>();
  /** The texts of all datagrams that arrived anywhere in the world. */
  readonly #heard: Set<string>;
  readonly #made: DisposableStack;

  constructor(name: string, networks: TestNetworks, made: DisposableStack, heard: Set<string>) {
    this.name = name;
    this.netns = networks.create(name);
    this.#made = made;
    this.#heard = heard;
    this.route = made.use(RouteClient.open(this.netns));
    // No duplicate address detection: link-local addresses would be silent for a second or two.
    this.sysctl('net.ipv6.conf.default.accept_dad', 0);
    this.route.setLink(1, { up: true });
  }

  within<T>(action: () => T): T {
    return withNetns(this.netns, action);
  }

  sysctl(name: string, value: string | number): void {
    this.within(() => writeSysctl(name, value));
  }

  /** Adds addresses to a link, usable at once. */
  addresses(link: string, ...texts: readonly string[]): void {
    const { index } = this.route.link(link);
    for (const text of texts) {
      const [address = '', length] = text.split('/');
      this.route.addAddress({ link: index, address, prefixLength: Number(length), nodad: true });
    }
  }

  /** Answers `name port client` on all addresses of both families, or on one. */
  async serve(
    proto: 'tcp' | 'udp',
    ports: readonly number[],
    options: { as?: string; address?: string } = {},
  ) {
    const { as = this.name, address } = options;
    const { netns } = this;
    const listening: Promise<void>[] = [];
    for (const port of ports) {
      for (const at of address === undefined ? ['0.0.0.0', '::'] : [address]) {
        const answer = (client: string | undefined) => `${as} ${port} ${client}`;
        if (proto === 'tcp') {
          const server = createServer((socket) => {
            // A client that was cut off never says goodbye.
            this.#made.defer(() => socket.destroy());
            socket.on('error', () => {});
            socket.write(answer(peerOf(socket)));
            socket.pipe(socket);
          });
          this.#made.defer(() => server.close());
          listening.push(listenOn(server, openTcpListener({ address: at, port, netns }).fd));
        } else {
          const socket = createSocket(at.includes(':') ? 'udp6' : 'udp4');
          this.#made.defer(() => socket.close());
          socket.on('error', () => {});
          socket.on('message', (data, from) => {
            this.#heard.add(data.toString());
            this.received.set(port, (this.received.get(port) ?? 0) + 1);
            socket.send(answer(from.address), from.port, from.address);
          });
          listening.push(bindTo(socket, openUdpSocket({ address: at, port, netns }).fd));
        }
      }
    }
    await Promise.all(listening);
  }

  /**
   * What the server said (`name port client`), or `no answer`, or the name of an error. A datagram that arrived although no answer
   * came back is `heard, no answer`: only half of the way was closed.
   */
  ask(address: string, port: number, options: AskOptions = {}): Promise<string> {
    return options.proto === 'udp'
      ? this.#askUdp(address, port, options)
      : this.#askTcp(address, port, options);
  }

  /** A TCP connection to a server here. Throws when there is no answer. */
  async converse(address: string, port: number): Promise<Conversation> {
    const socket = this.#connect(address, port);
    if (typeof socket === 'string') throw new Error(`connect to ${address} port ${port}: ${socket}`);
    socket.on('error', () => {});
    this.#made.defer(() => socket.destroy());
    const next = () =>
      firstOf(undefined, (resolve) => socket.once('data', (data) => resolve(data.toString())));
    if ((await next()) === NO_ANSWER) throw new Error(`connect to ${address} port ${port}: no answer`);
    return {
      say(text) {
        socket.write(text);
        return next();
      },
    };
  }

  async #askTcp(
    address: string,
    port: number,
    { localPort, hold = false, patienceMs }: AskOptions,
  ): Promise<string> {
    const socket = this.#connect(address, port, localPort);
    if (typeof socket === 'string') return socket;
    const answer = await firstOf(
      patienceMs,
      (resolve) => socket.once('data', (data) => resolve(data.toString())),
      (resolve) =>
        socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message)),
    );
    socket.on('error', () => {});
    if (hold) this.#made.defer(() => socket.destroy());
    else socket.destroy();
    return answer;
  }

  /** A socket that is being connected, or the name of the error that came at once. */
  #connect(address: string, port: number, localPort?: number): Socket | string {
    const family = address.includes(':') ? AF_INET6 : AF_INET;
    const fd = this.within(() => check(libc().socket(family, SOCK_STREAM_NONBLOCK, 0), 'make a client'));
    if (localPort !== undefined) {
      const local = encodeSockaddr({ address: family === AF_INET ? '0.0.0.0' : '::', port: localPort });
      check(libc().bind(fd, local, local.length), `bind client to port ${localPort}`);
    }
    const target = encodeSockaddr({ address, port });
    if (libc().connect(fd, target, target.length) < 0) {
      const error = errnoName(lastErrno());
      if (error !== 'EINPROGRESS') {
        libc().close(fd);
        return error;
      }
    }
    return new Socket({ fd });
  }

  async #askUdp(address: string, port: number, { localPort = 0, patienceMs }: AskOptions): Promise<string> {
    const isV6 = address.includes(':');
    const { fd } = openUdpSocket({ address: isV6 ? '::' : '0.0.0.0', port: localPort, netns: this.netns });
    const socket = createSocket(isV6 ? 'udp6' : 'udp4');
    await bindTo(socket, fd);
    const question = randomUUID();
    try {
      const answer = await firstOf(
        patienceMs,
        (resolve) =>
          socket.once('message', (data, from) => {
            const text = data.toString();
            // An answer that comes from elsewhere than asked was not translated back. A program on the host that listens on
            // all addresses answers from whichever the route prefers; that is no business of the firewall's.
            const isHost = text.startsWith('proxy ') || text.startsWith('host ');
            resolve(isHost || from.address === address ? text : `${text} from ${from.address}`);
          }),
        (resolve) =>
          socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message)),
        (resolve) =>
          socket.send(question, port, address, (error) => {
            if (error) resolve((error as NodeJS.ErrnoException).code ?? error.message);
          }),
      );
      return answer === NO_ANSWER && this.#heard.has(question) ? `heard, ${NO_ANSWER}` : answer;
    } finally {
      socket.close();
    }
  }
}

/** Stations, and everything that has to go when the world ends. */
export class World implements Disposable {
  readonly #made = new DisposableStack();
  readonly #networks: TestNetworks;
  readonly #heard = new Set<string>();
  readonly host: Station;

  private constructor() {
    this.#networks = this.#made.use(testNetworks());
    this.host = this.station('host');
    this.host.sysctl('net.ipv4.ip_forward', 1);
    this.host.sysctl('net.ipv6.conf.all.forwarding', 1);
  }

  static async open(): Promise<World> {
    await warmThreadPool();
    return new World();
  }

  station(name: string): Station {
    return new Station(name, this.#networks, this.#made, this.#heard);
  }

  /** A veth pair from the host to `station`; both ends up. The host's end may be a port of a bridge. */
  plug(station: Station, options: { hostLink: string; link?: string; bridge?: string }): void {
    const { hostLink, link = 'eth0', bridge } = options;
    const { route } = this.host;
    route.addLink({
      kind: 'veth',
      name: hostLink,
      up: true,
      ...(bridge === undefined ? {} : { master: route.link(bridge).index }),
      peer: { name: link, netns: station.netns },
    });
    station.route.setLink(station.route.link(link).index, { up: true });
    // As Docker without the proxy: a container reaches itself by the host's address.
    if (bridge !== undefined) route.setBridgePort(route.link(hostLink).index, { hairpin: true });
  }

  /** True where packets between two ports of one bridge go through the firewall. */
  get bridgedPacketsAreFiltered(): boolean {
    return this.host.within(() => tryReadSysctl('net.bridge.bridge-nf-call-iptables')) === '1';
  }

  forgetConnections(): void {
    using conntrack = ConntrackClient.open(this.host.netns);
    conntrack.delete({});
  }

  /** Disposes of `thing` when the world ends, before the namespaces go. */
  use<T extends Disposable>(thing: T): T {
    return this.#made.use(thing);
  }

  [Symbol.dispose](): void {
    this.#made.dispose();
  }
}

/** Whatever calls back first, or `no answer`. */
function firstOf(
  patienceMs: number | undefined,
  ...sources: ReadonlyArray<(resolve: (answer: string) => void) => void>
): Promise<string> {
  return new Promise((resolve) => {
    // Where the process was held up, an answer may be waiting that has not been read: once more round the event loop.
    const giveUp = () => setImmediate(() => setImmediate(() => resolve(NO_ANSWER)));
    const timer = setTimeout(giveUp, patienceMs ?? PATIENCE_MS);
    const finish = (answer: string) => {
      clearTimeout(timer);
      resolve(answer);
    };
    for (const source of sources) source(finish);
  });
}

function listenOn(server: Server, fd: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.on('error', reject);
    server.listen({ fd }, resolve);
  });
}

function bindTo(socket: UdpSocket, fd: number): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.bind({ fd }, () => {
      socket.off('error', reject);
      resolve();
    });
  });
}

/**
 * The client's address. Of a link-local one Node tells the interface's name as this process's own namespace has it, and throws where
 * that has no interface of the number; then the scope stands for it.
 */
function peerOf(socket: Socket): string | undefined {
  try {
    return socket.remoteAddress;
  } catch {
    return 'fe80::';
  }
}
