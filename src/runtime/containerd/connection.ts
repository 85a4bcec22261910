/**
 * gRPC over HTTP/2 on a unix socket (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md): what containerd
 * needs of it, without compression, name resolution, balancing and retries. Requests are POSTs, messages are framed by
 * five bytes, the outcome is in the trailers.
 */

import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2';
import { createConnection } from 'node:net';
import { messageOf } from '../../base/errors.ts';
import { ContainerdError, statusName } from './status.ts';

/** Our receive windows, bytes: the default 65,535 would stop a layer's bytes 16 times per MiB. */
const STREAM_WINDOW = 1 << 20;
const CONNECTION_WINDOW = 4 << 20;

/** Milliseconds between attempts while the socket is not there. */
const CONNECT_INTERVAL = 15;

/** Milliseconds until a server that let us connect must have sent its HTTP/2 settings. */
const GREETING_TIMEOUT = 5_000;

/** What connect(2) says while a server comes, goes, or goes with us in its queue. */
const PASSING: ReadonlySet<string | undefined> = new Set([
  'ENOENT',
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'EAGAIN',
]);

export interface ConnectionOptions {
  /** Path of the unix socket. */
  address: string;
  /** Milliseconds a call waits for a socket that is absent or refuses (containerd restarting). Default 0. */
  reconnectMs?: number | undefined;
}

export interface RequestOptions {
  /** Error messages begin with it: `stop task "a"`. */
  action: string;
  headers: Record<string, string>;
  signal?: AbortSignal | undefined;
  /**
   * Kept by us alone, by cancelling: sent along as grpc-timeout it would be containerd's too, whose words for it (UNKNOWN,
   * "context deadline exceeded") would win the race half of the time.
   */
  timeoutMs?: number | undefined;
}

export class Connection {
  readonly #options: ConnectionOptions;
  #session: Promise<ClientHttp2Session> | undefined;
  #closed = false;

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  /** Opens one call. The returned call has sent its headers; `send()` what the method wants, then `finish()`. */
  async open(path: string, options: RequestOptions): Promise<Call> {
    options.signal?.throwIfAborted();
    const session = await orAborted(this.#connected(options), options.signal);
    return new Call(session, path, options);
  }

  /** One message there, one back. */
  async unary(path: string, request: Buffer, options: RequestOptions): Promise<Buffer> {
    const call = await this.open(path, options);
    call.send(request, true);
    return call.single();
  }

  close(): void {
    this.#closed = true;
    void this.#session?.then(
      (session) => session.destroy(),
      () => {},
    );
    this.#session = undefined;
  }

  #connected(options: RequestOptions): Promise<ClientHttp2Session> {
    if (this.#closed) throw new ContainerdError(options.action, 'UNAVAILABLE', 'the client was closed');
    return (this.#session ?? this.#connect()).catch((error) => {
      const what = `connect to containerd at ${this.#options.address}: ${messageOf(error)}`;
      throw new ContainerdError(options.action, 'UNAVAILABLE', what, error);
    });
  }

  #connect(): Promise<ClientHttp2Session> {
    const attempt = this.#dial();
    this.#session = attempt;
    const forget = () => {
      if (this.#session === attempt) this.#session = undefined;
    };
    attempt.then((session) => {
      session.once('close', forget);
      // Calls under way may still end well; new ones need a new connection.
      session.once('goaway', forget);
      if (session.destroyed) forget();
      if (this.#closed) session.destroy();
    }, forget);
    return attempt;
  }

  async #dial(): Promise<ClientHttp2Session> {
    const until = performance.now() + (this.#options.reconnectMs ?? 0);
    for (;;) {
      try {
        return await dialOnce(this.#options.address);
      } catch (error) {
        const passing = PASSING.has((error as NodeJS.ErrnoException).code);
        if (!passing || performance.now() >= until || this.#closed) throw error;
        await new Promise((resolve) => setTimeout(resolve, CONNECT_INTERVAL));
      }
    }
  }
}

/** The connection is shared, so that an impatient call leaves it to the others and goes. */
async function orAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  let onAbort = () => {};
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
    promise.catch(() => {});
  }
}

function dialOnce(path: string): Promise<ClientHttp2Session> {
  return new Promise((resolve, reject) => {
    const session = connect('http://localhost', {
      createConnection: () => createConnection(path),
      settings: { enablePush: false, initialWindowSize: STREAM_WINDOW },
    });
    const timer = setTimeout(() => {
      reject(Object.assign(new Error(`no greeting within ${GREETING_TIMEOUT} ms`), { code: 'ETIMEDOUT' }));
      session.destroy();
    }, GREETING_TIMEOUT);
    // Not 'connect': that the kernel queued us says nothing of a server which is stuck, or just being killed.
    session.once('remoteSettings', () => {
      clearTimeout(timer);
      session.setLocalWindowSize(CONNECTION_WINDOW);
      resolve(session);
    });
    // Also keeps a later failure of the connection from being an uncaught error: every call learns of it by itself.
    session.on('error', reject);
    session.once('close', () => {
      clearTimeout(timer);
      reject(Object.assign(new Error('connection closed'), { code: 'ECONNRESET' }));
    });
  });
}

/** One call under way. */
export class Call {
  readonly #stream: ClientHttp2Stream;
  readonly #options: RequestOptions;
  readonly #outcome: Promise<void>;

  constructor(session: ClientHttp2Session, path: string, options: RequestOptions) {
    this.#options = options;
    const stream = session.request(
      {
        ':method': 'POST',
        ':path': path,
        'content-type': 'application/grpc',
        te: 'trailers',
        ...options.headers,
      },
      { endStream: false },
    );
    this.#stream = stream;
    this.#outcome = this.#settle();
    // The outcome is asked for at the end of reading; until then a failure is nobody's unhandled rejection.
    this.#outcome.catch(() => {});
  }

  /**
   * Sends one message, and with `last` half-closes. What goes wrong shows in the outcome. There is no backpressure here:
   * who sends much waits for the server's answers in between.
   */
  send(message: Buffer, last = false): void {
    if (this.#stream.destroyed || this.#stream.writableEnded) return;
    const header = Buffer.allocUnsafe(5);
    header[0] = 0;
    header.writeUInt32BE(message.length, 1);
    // One write for small messages saves a DATA frame; big ones are not copied.
    const small = message.length < 16_384;
    if (!small) this.#stream.write(header);
    const data = small ? Buffer.concat([header, message]) : message;
    if (last) this.#stream.end(data);
    else this.#stream.write(data);
  }

  finish(): void {
    if (!this.#stream.destroyed && !this.#stream.writableEnded) this.#stream.end();
  }

  cancel(): void {
    if (!this.#stream.destroyed) this.#stream.close(constants.NGHTTP2_CANCEL);
  }

  /** The one message of a unary call. */
  async single(): Promise<Buffer> {
    let first: Buffer | undefined;
    for await (const message of this.messages()) first ??= message;
    if (first === undefined) throw new ContainerdError(this.#options.action, 'INTERNAL', 'empty answer');
    return first;
  }

  /** The messages the server sends; throws the call's failure at their end. Leaving the loop cancels the call. */
  async *messages(): AsyncGenerator<Buffer, void, undefined> {
    const frames = new Frames();
    try {
      for await (const chunk of this.#stream.iterator({ destroyOnReturn: false })) {
        frames.push(chunk as Buffer);
        for (let message = frames.shift(); message !== undefined; message = frames.shift()) yield message;
      }
      await this.#outcome;
    } catch (error) {
      // The stream's own error says less than the outcome, which knows of deadline, abort and status.
      await this.#outcome;
      throw error;
    } finally {
      this.cancel();
    }
  }

  #settle(): Promise<void> {
    const stream = this.#stream;
    const { action, signal, timeoutMs } = this.#options;
    return new Promise((resolve, reject) => {
      let verdict: (() => void) | undefined;
      const onAbort = () => {
        verdict ??= () => reject(signal!.reason);
        this.cancel();
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      const timer =
        timeoutMs === undefined
          ? undefined
          : setTimeout(() => {
              verdict ??= () =>
                reject(new ContainerdError(action, 'DEADLINE_EXCEEDED', `no answer within ${timeoutMs} ms`));
              this.cancel();
            }, timeoutMs);
      const settle = () => {
        signal?.removeEventListener('abort', onAbort);
        clearTimeout(timer);
        if (verdict) verdict();
        else reject(new ContainerdError(action, 'UNAVAILABLE', 'connection to containerd lost'));
      };
      const judge = (headers: Record<string, unknown>) => {
        const status = headers['grpc-status'];
        if (status === undefined) return false;
        const code = Number(status);
        verdict ??=
          code === 0
            ? resolve
            : () =>
                reject(new ContainerdError(action, statusName(code), decodeDetail(headers['grpc-message'])));
        settle();
        return true;
      };
      stream.on('response', (headers) => {
        if (judge(headers) || headers[':status'] === 200) return;
        verdict ??= () =>
          reject(new ContainerdError(action, 'UNAVAILABLE', `HTTP status ${headers[':status']}`));
        this.cancel();
      });
      stream.on('trailers', judge);
      stream.on('error', (error) => {
        verdict ??= () =>
          reject(
            new ContainerdError(
              action,
              'UNAVAILABLE',
              `connection to containerd: ${messageOf(error)}`,
              error,
            ),
          );
      });
      stream.on('close', settle);
    });
  }
}

/** Cuts the byte stream into messages: one byte "compressed", four bytes length, the message. */
class Frames {
  #chunks: Buffer[] = [];
  #length = 0;

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
  }

  shift(): Buffer | undefined {
    if (this.#length < 5) return undefined;
    if (this.#chunks[0]!.length < 5) this.#chunks = [Buffer.concat(this.#chunks)];
    const size = 5 + this.#chunks[0]!.readUInt32BE(1);
    if (this.#length < size) return undefined;
    const whole = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks);
    this.#chunks = whole.length > size ? [whole.subarray(size)] : [];
    this.#length -= size;
    return whole.subarray(5, size);
  }
}

/** grpc-message is percent-encoded; what cannot be decoded is shown as it is. */
function decodeDetail(value: unknown): string {
  const text = String(value ?? 'no reason given');
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
