/** The keeper's end of the control protocol (`base/proxy-control.ts`), on the same epoll loop as the data. */
import { chmodSync, rmSync } from 'node:fs';
import { conflict, invalid } from '../base/errors.ts';
import type { ProxyReply } from '../base/proxy-control.ts';
import { EPOLLIN, EPOLLOUT, type EpollLoop, type Watcher } from '../kernel/epoll/loop.ts';
import { AF_UNIX } from '../kernel/epoll/sockaddr.ts';
import { openSocket, SOCK_CLOEXEC, SOCK_NONBLOCK, SOCK_STREAM } from '../kernel/epoll/socket.ts';
import { check, lastErrno, libc } from '../kernel/ffi/libc.ts';
import { type ControlHandler, RequestQueue } from './request-queue.ts';

/** `sun_path` of `<sys/un.h>` holds 108 bytes, the last of them NUL. */
const SUN_PATH = 107;
const EAGAIN = 11;
const MSG_NOSIGNAL = 0x4000;
/** Longest request, bytes: 16,384 mappings take about 3 MB. */
const MAX_REQUEST = 16 << 20;

/** Takes over one line, and tells the reply when there is one. */
type Submit = (line: string, onReply: (reply: ProxyReply) => void) => void;

export class ControlServer implements Watcher {
  readonly #loop: EpollLoop;
  readonly #path: string;
  readonly #requests: RequestQueue;
  readonly #scratch: Buffer;
  readonly #fd: number;
  readonly #peers = new Set<ControlPeer>();

  /**
   * Listens on `path`, mode 0600. A socket file that nobody answers on is left over from a keeper that was killed, and
   * replaced.
   *
   * @param scratch read buffer shared with others; holds nothing between two calls
   */
  constructor(path: string, loop: EpollLoop, scratch: Buffer, handler: ControlHandler) {
    this.#loop = loop;
    this.#path = path;
    this.#requests = new RequestQueue(loop, handler);
    this.#scratch = scratch;
    const address = unixAddress(path);
    if (isAnswered(address)) throw conflict(`another port keeper listens on ${path}`);
    rmSync(path, { force: true });
    this.#fd = openSocket(AF_UNIX, SOCK_STREAM);
    const umask = process.umask(0o177);
    try {
      check(libc().bind(this.#fd, address, address.length), () => `bind ${path}`);
      chmodSync(path, 0o600);
      check(libc().listen(this.#fd, 16), () => `listen on ${path}`);
    } finally {
      process.umask(umask);
    }
    loop.add(this.#fd, EPOLLIN, this);
  }

  onReady(): void {
    const fd = libc().accept4(this.#fd, null, null, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    const submit: Submit = (line, onReply) => this.#requests.push(line, onReply);
    const peer = new ControlPeer(fd, this.#loop, this.#scratch, submit, () => this.#peers.delete(peer));
    this.#peers.add(peer);
  }

  /** Stops listening, removes the socket file and closes the connections. */
  close(): void {
    rmSync(this.#path, { force: true });
    this.#loop.forget(this.#fd);
    libc().close(this.#fd);
    for (const peer of [...this.#peers]) peer.abort();
  }
}

/** One control connection. */
class ControlPeer implements Watcher {
  readonly #fd: number;
  readonly #loop: EpollLoop;
  readonly #scratch: Buffer;
  readonly #submit: Submit;
  readonly #onClose: () => void;
  /** The pieces of a request that is not complete yet. */
  #received: Buffer[] = [];
  #receivedLength = 0;
  #unsent: Buffer = Buffer.alloc(0);
  /** Requests without a reply. */
  #pending = 0;
  #isClosed = false;

  constructor(fd: number, loop: EpollLoop, scratch: Buffer, submit: Submit, onClose: () => void) {
    this.#fd = fd;
    this.#loop = loop;
    this.#scratch = scratch;
    this.#submit = submit;
    this.#onClose = onClose;
    loop.add(fd, EPOLLIN, this);
  }

  onReady(_fd: number, events: number): void {
    if ((events & EPOLLOUT) !== 0) this.#flush();
    else this.#read();
  }

  /** What it has asked for is done all the same. */
  abort(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#loop.forget(this.#fd);
    libc().close(this.#fd);
    this.#onClose();
  }

  #read(): void {
    const length = libc().recv(this.#fd, this.#scratch, this.#scratch.length, 0);
    if (length < 0 && lastErrno() === EAGAIN) return;
    if (length <= 0) {
      this.abort();
      return;
    }
    let rest = this.#scratch.subarray(0, length);
    const lines: string[] = [];
    for (let end = rest.indexOf(0x0a); end !== -1; end = rest.indexOf(0x0a)) {
      lines.push(Buffer.concat([...this.#received, rest.subarray(0, end)]).toString());
      this.#received = [];
      this.#receivedLength = 0;
      rest = rest.subarray(end + 1);
    }
    this.#receivedLength += rest.length;
    if (this.#receivedLength > MAX_REQUEST) {
      this.abort();
      return;
    }
    if (rest.length > 0) this.#received.push(Buffer.from(rest));
    this.#pending += lines.length;
    for (const line of lines) this.#submit(line, (reply) => this.#reply(reply));
    if (this.#pending > 0) this.#watch();
  }

  #reply(reply: ProxyReply): void {
    this.#pending--;
    if (this.#isClosed) return;
    this.#unsent = Buffer.concat([this.#unsent, Buffer.from(`${JSON.stringify(reply)}\n`)]);
    this.#flush();
  }

  #flush(): void {
    const sent = libc().send(this.#fd, this.#unsent, this.#unsent.length, MSG_NOSIGNAL);
    if (sent < 0 && lastErrno() !== EAGAIN) {
      this.abort();
      return;
    }
    this.#unsent = this.#unsent.subarray(Math.max(0, sent));
    this.#watch();
  }

  /** While the peer does not read its replies, or waits for one, we do not read its requests. */
  #watch(): void {
    if (this.#isClosed) return;
    const idle = this.#pending > 0 ? 0 : EPOLLIN;
    this.#loop.modify(this.#fd, this.#unsent.length > 0 ? EPOLLOUT : idle);
  }
}

/** `struct sockaddr_un { sa_family_t sun_family; char sun_path[108]; }` */
function unixAddress(path: string): Buffer {
  const name = Buffer.from(path);
  if (name.length === 0 || name.length > SUN_PATH) {
    throw invalid(`control path ${JSON.stringify(path)} must be 1 to ${SUN_PATH} bytes long`);
  }
  const address = Buffer.alloc(2 + name.length + 1);
  address.writeUInt16LE(AF_UNIX, 0);
  name.copy(address, 2);
  return address;
}

/** Whether somebody listens there. */
function isAnswered(address: Buffer): boolean {
  const fd = openSocket(AF_UNIX, SOCK_STREAM);
  try {
    return libc().connect(fd, address, address.length) === 0;
  } finally {
    libc().close(fd);
  }
}
