/** The daemon's end of the port keeper's control protocol (`base/proxy-control.ts`): one connection, typed requests. */
import { createConnection, type Socket } from 'node:net';
import { BridgeportError, messageOf } from '../../base/errors.ts';
import type {
  ProxyFailure,
  ProxyOperation,
  ProxyReply,
  ProxyRequest,
  ProxyResults,
} from '../../base/proxy-control.ts';

/** A host port could not be bound: `failed to bind host port 0.0.0.0:8080/tcp: address already in use`. */
export class HostPortError extends BridgeportError {
  readonly port: NonNullable<ProxyFailure['port']>;
  readonly #taken: ReadonlyArray<NonNullable<ProxyFailure['port']>>;

  constructor(failure: ProxyFailure, port: NonNullable<ProxyFailure['port']>) {
    super(failure.kind, failure.message, { errno: failure.errno });
    this.name = 'HostPortError';
    this.port = port;
    this.#taken = failure.taken ?? [port];
  }

  /** That port and others of the same request that are taken too: no property, for logs. */
  get taken(): ReadonlyArray<NonNullable<ProxyFailure['port']>> {
    return this.#taken;
  }
}

export interface ProxyClientOptions {
  /** Milliseconds an answer may take; default 10,000. */
  timeout?: number;
}

interface Waiting {
  resolve(result: never): void;
  reject(error: unknown): void;
  timer: NodeJS.Timeout;
}

/** Errors of kind `unavailable` mean that the keeper is gone or does not answer; the others are its own words. */
export class ProxyClient {
  readonly #socket: Socket;
  readonly #timeout: number;
  readonly #waiting = new Map<number, Waiting>();
  #seq = 0;
  #received: string[] = [];
  /** Resolves once the connection is gone, for whatever reason. */
  readonly closed: Promise<void>;

  private constructor(socket: Socket, options: ProxyClientOptions) {
    this.#socket = socket;
    this.#timeout = options.timeout ?? 10_000;
    socket.setEncoding('utf8');
    socket.on('data', (text) => this.#receive(String(text)));
    // 'close' follows and tells those who wait.
    socket.on('error', () => {});
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        this.#failAll(unavailable('the port keeper closed the control connection'));
        resolve();
      });
    });
  }

  /** Connects to the keeper at `path`; throws `unavailable` with errno (ENOENT, ECONNREFUSED) when none is there. */
  static connect(path: string, options: ProxyClientOptions = {}): Promise<ProxyClient> {
    return new Promise((resolve, reject) => {
      const socket = createConnection(path);
      const refuse = (error: NodeJS.ErrnoException) =>
        reject(unavailable(`connect to the port keeper at ${path}: ${messageOf(error)}`, error.code));
      socket.once('error', refuse);
      socket.once('connect', () => {
        socket.off('error', refuse);
        resolve(new ProxyClient(socket, options));
      });
    });
  }

  /** Sends one request and waits for its reply. */
  request<Op extends ProxyOperation>(
    request: Extract<ProxyRequest, { op: Op }>,
    timeout = this.#timeout,
  ): Promise<ProxyResults[Op]> {
    const seq = ++this.#seq;
    return new Promise((resolve, reject) => {
      if (this.#socket.destroyed) {
        reject(unavailable('the port keeper closed the control connection'));
        return;
      }
      const timer = setTimeout(() => {
        this.#waiting.delete(seq);
        reject(unavailable(`the port keeper did not answer ${request.op} within ${timeout} ms`, 'ETIMEDOUT'));
      }, timeout);
      this.#waiting.set(seq, { resolve, reject, timer });
      this.#socket.write(`${JSON.stringify({ seq, ...request })}\n`);
    });
  }

  /** Closes the connection; the keeper goes on. */
  close(): void {
    this.#socket.destroy();
  }

  /** Whether the connection keeps this process alive (it does at first). */
  unref(): void {
    this.#socket.unref();
  }

  #receive(text: string): void {
    const lines = text.split('\n');
    lines[0] = [...this.#received, lines[0]].join('');
    this.#received = [lines.pop()!];
    for (const line of lines) this.#settle(JSON.parse(line));
  }

  #settle(reply: ProxyReply): void {
    const waiting = this.#waiting.get(reply.seq);
    if (waiting === undefined) return;
    this.#waiting.delete(reply.seq);
    clearTimeout(waiting.timer);
    if (reply.ok) waiting.resolve(reply.result as never);
    else waiting.reject(errorOf(reply.error));
  }

  #failAll(error: BridgeportError): void {
    for (const { reject, timer } of this.#waiting.values()) {
      clearTimeout(timer);
      reject(error);
    }
    this.#waiting.clear();
  }
}

function errorOf(failure: ProxyFailure): BridgeportError {
  if (failure.port !== undefined) return new HostPortError(failure, failure.port);
  return new BridgeportError(failure.kind, failure.message, { errno: failure.errno });
}

function unavailable(message: string, errno?: string): BridgeportError {
  return new BridgeportError('unavailable', message, { errno });
}
