/**
 * A private network for root tests, with a keeper in the middle. Not for the product.
 *
 *     client 10.1.0.2, fd01::2 ── 10.1.0.1, fd01::1 host 10.2.0.1, fd02::1 ── 10.2.0.2, fd02::2 server
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { createConnection, createServer, type Server, Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import {
  PROXY_NODE_FLAGS,
  type ProxyMapping,
  type ProxyOperation,
  type ProxyReply,
  type ProxyRequest,
  type ProxyResults,
} from '../../base/proxy-control.ts';
import { socketAddress } from '../../kernel/epoll/sockaddr.ts';
import {
  IPPROTO_IPV6,
  IPV6_V6ONLY,
  SO_REUSEADDR,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_STREAM,
  SOL_SOCKET,
  setOption,
} from '../../kernel/epoll/socket.ts';
import { check, libc } from '../../kernel/ffi/libc.ts';
import { type NetnsHandle, warmThreadPool, withNetns } from '../../kernel/netns/index.ts';
import { testNetworks } from '../../kernel/testing/netns.ts';

export const CLIENT = '10.1.0.2';
export const HOST = '10.1.0.1';
export const HOST6 = 'fd01::1';
export const SERVER = '10.2.0.2';
export const SERVER6 = 'fd02::2';

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url));

/** A keeper process and one control connection to it. */
export interface TestKeeper {
  readonly process: ChildProcess;
  request<Op extends ProxyOperation>(request: Extract<ProxyRequest, { op: Op }>): Promise<ProxyReply<Op>>;
  /** Like `request()`, but throws when the keeper refuses. */
  must<Op extends ProxyOperation>(request: Extract<ProxyRequest, { op: Op }>): Promise<ProxyResults[Op]>;
  kill(): Promise<void>;
}

export interface Lab extends AsyncDisposable {
  readonly client: NetnsHandle;
  readonly host: NetnsHandle;
  readonly server: NetnsHandle;
  /** For sockets and files of the test; removed with the lab. */
  readonly directory: string;
  startKeeper(words?: string[]): Promise<TestKeeper>;
}

/** Makes the three namespaces and their wires. */
export async function makeLab(): Promise<Lab> {
  await warmThreadPool();
  const networks = testNetworks();
  const keepers: TestKeeper[] = [];
  try {
    const [client, host, server] = ['client', 'host', 'server'].map((name) => networks.create(name));
    wire(client!, '10.1.0.2/24', 'fd01::2/64', host!, '10.1.0.1/24', 'fd01::1/64', 'up0');
    wire(server!, '10.2.0.2/24', 'fd02::2/64', host!, '10.2.0.1/24', 'fd02::1/64', 'down0');
    ip(client!, 'route', 'add', 'default', 'via', HOST);
    return {
      client: client!,
      host: host!,
      server: server!,
      directory: networks.directory,
      async startKeeper(words = []) {
        const path = join(networks.directory, `keeper-${keepers.length}.sock`);
        const keeper = await startKeeper(host!, path, words);
        keepers.push(keeper);
        return keeper;
      },
      async [Symbol.asyncDispose]() {
        for (const keeper of keepers) await keeper.kill();
        networks[Symbol.dispose]();
      },
    };
  } catch (error) {
    networks[Symbol.dispose]();
    throw error;
  }
}

/** Runs ip(8) inside a namespace. */
export function ip(inside: NetnsHandle, ...words: string[]): void {
  withNetns(inside, () => execFileSync('ip', words, { stdio: ['ignore', 'ignore', 'inherit'] }));
}

function wire(
  far: NetnsHandle,
  farIp: string,
  farIp6: string,
  near: NetnsHandle,
  nearIp: string,
  nearIp6: string,
  name: string,
): void {
  ip(near, 'link', 'add', name, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', far.path);
  for (const [inside, link, four, six] of [
    [far, 'eth0', farIp, farIp6],
    [near, name, nearIp, nearIp6],
  ] as const) {
    ip(inside, 'addr', 'add', four, 'dev', link);
    ip(inside, '-6', 'addr', 'add', six, 'dev', link, 'nodad');
    ip(inside, 'link', 'set', link, 'up');
  }
}

async function startKeeper(inside: NetnsHandle, path: string, words: string[]): Promise<TestKeeper> {
  const child = withNetns(inside, () =>
    spawn(process.execPath, [...PROXY_NODE_FLAGS, MAIN, '--control', path, ...words], {
      stdio: ['ignore', 'inherit', 'inherit'],
    }),
  );
  const ended = once(child, 'exit');
  const socket = await untilConnected(path);
  const lines = createInterface({ input: socket })[Symbol.asyncIterator]();
  let seq = 0;
  const keeper: TestKeeper = {
    process: child,
    async request(request) {
      socket.write(`${JSON.stringify({ seq: ++seq, ...request })}\n`);
      return JSON.parse(String((await lines.next()).value));
    },
    async must(request) {
      const reply = await keeper.request(request);
      if (!reply.ok) throw new Error(reply.error.message);
      return reply.result;
    },
    async kill() {
      socket.destroy();
      child.kill('SIGKILL');
      await ended;
    },
  };
  return keeper;
}

async function untilConnected(path: string): Promise<Socket> {
  const deadline = performance.now() + 10_000;
  for (;;) {
    const socket = createConnection(path);
    try {
      await once(socket, 'connect');
      return socket;
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await sleep(10);
    }
  }
}

/** A TCP mapping of the host's port to the server's: `tcp({ hostPort: 8080 })` leads to port 80. */
export function tcp(fields: Partial<ProxyMapping> & { hostPort: number }): ProxyMapping {
  return {
    id: `tcp-${fields.hostIp ?? '0.0.0.0'}-${fields.hostPort}`,
    proto: 'tcp',
    hostIp: '0.0.0.0',
    targetIp: SERVER,
    targetPort: 80,
    mode: 'forward',
    ...fields,
  };
}

/** A UDP mapping of the host's port to port 53 of the server. */
export function udp(fields: Partial<ProxyMapping> & { hostPort: number }): ProxyMapping {
  return {
    ...tcp({ targetPort: 53, ...fields }),
    id: `udp-${fields.hostIp}-${fields.hostPort}`,
    proto: 'udp',
  };
}

/** A datagram as it came: what, and from where. */
export interface Received {
  text: string;
  from: string;
  port: number;
}

/** A UDP socket inside a namespace, bound to `address` and `port`. */
export async function openUdp(inside: NetnsHandle, address: string, port = 0): Promise<TestUdp> {
  const fd = withNetns(inside, () => {
    const { family, bytes } = socketAddress(address, port);
    const bound = check(libc().socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0), 'open a socket');
    if (address.includes(':')) setOption(bound, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    check(libc().bind(bound, bytes, bytes.length), `bind ${address} ${port}`);
    return bound;
  });
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  const queue: Received[] = [];
  const waiting: Array<(received: Received) => void> = [];
  socket.on('error', () => {});
  socket.on('message', (bytes, { address: from, port: sourcePort }) => {
    const received = { text: bytes.toString('latin1'), from, port: sourcePort };
    const next = waiting.shift();
    if (next === undefined) queue.push(received);
    else next(received);
  });
  const listening = once(socket, 'listening');
  socket.bind({ fd });
  await listening;
  return {
    socket,
    send: (text, to, toPort) => socket.send(Buffer.from(text, 'latin1'), toPort, to),
    next: () => {
      const received = queue.shift();
      return received !== undefined
        ? Promise.resolve(received)
        : new Promise((resolve) => waiting.push(resolve));
    },
    pending: () => queue.length,
    close: () => socket.close(),
  };
}

export interface TestUdp {
  readonly socket: UdpSocket;
  send(text: string, to: string, port: number): void;
  /** The next datagram, as soon as there is one. */
  next(): Promise<Received>;
  /** Datagrams that nobody has taken yet. */
  pending(): number;
  close(): void;
}

/** Listens inside a namespace. Connections are half-open: each side ends for itself. */
export async function listen(
  inside: NetnsHandle,
  address: string,
  port: number,
  onConnection: (socket: Socket) => void,
): Promise<Server> {
  const fd = withNetns(inside, () => {
    const { family, bytes } = socketAddress(address, port);
    const socket = check(libc().socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0), 'open a socket');
    setOption(socket, SOL_SOCKET, SO_REUSEADDR, 1);
    if (address.includes(':')) setOption(socket, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    check(libc().bind(socket, bytes, bytes.length), `bind ${address} ${port}`);
    check(libc().listen(socket, 4096), 'listen');
    return socket;
  });
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {});
    onConnection(socket);
  });
  server.listen({ fd });
  if (!server.listening) await once(server, 'listening');
  return server;
}

/** Connects from inside a namespace, half-open; throws errno's error when refused. */
export function connect(inside: NetnsHandle, address: string, port: number): Socket {
  const fd = withNetns(inside, () => {
    const { family, bytes } = socketAddress(address, port);
    const socket = check(libc().socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0), 'open a socket');
    try {
      check(libc().connect(socket, bytes, bytes.length), `connect ${address} ${port}`);
    } catch (error) {
      libc().close(socket);
      throw error;
    }
    return socket;
  });
  return new Socket({ fd, allowHalfOpen: true, readable: true, writable: true });
}

/** Everything up to the end of the stream. */
export async function readBytes(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Everything up to the end of the stream, as text. */
export async function readAll(socket: Socket): Promise<string> {
  return (await readBytes(socket)).toString();
}

/** Length and SHA-256 of everything up to the end of the stream. */
export async function digestAll(socket: Socket): Promise<{ length: number; digest: string }> {
  const hash = createHash('sha256');
  let length = 0;
  for await (const chunk of socket) {
    hash.update(chunk);
    length += chunk.length;
  }
  return { length, digest: hash.digest('hex') };
}

/** The errno name a socket ends with, or 'end' when the stream ends well. */
export function outcome(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    socket.once('end', () => resolve('end'));
    socket.resume();
  });
}
