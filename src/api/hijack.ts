/**
 * Attach and exec: after the headers the connection is no longer HTTP but the container's stdin, stdout and stderr.
 *
 * Node hands us the socket through its `upgrade` event (see `server.ts` for clients that do not ask for one), with
 * whatever the client has already sent behind the headers: a JSON body, early input, or both.
 */

import { type IncomingMessage, STATUS_CODES } from 'node:http';
import { Socket } from 'node:net';
import { type Duplex, Readable, Writable } from 'node:stream';
import { messageOf } from '../base/errors.ts';
import { collect } from './body.ts';
import type { SessionPlan } from './call.ts';
import { ChunkedDecoder } from './chunked.ts';
import type { ApiLog } from './log.ts';
import type { PlainReply } from './status.ts';
import { frameHeader, STREAM, type StreamNumber } from './stdcopy.ts';

/** Milliseconds a client has to close after we have; then the connection is cut. */
const LINGER = 5_000;

/** Milliseconds between two looks whether a client that has finished its input is still there. */
const PRESENCE_INTERVAL = 1_000;

/** What the client has sent behind its headers, split into a body (if it announced one) and the rest. */
export class RawInput {
  readonly #socket: Duplex;
  readonly #request: IncomingMessage;
  #bodyTaken = false;

  constructor(request: IncomingMessage, socket: Duplex, head: Buffer) {
    this.#request = request;
    this.#socket = socket;
    if (head.length > 0) socket.unshift(head);
  }

  get #chunked(): boolean {
    return /\bchunked\b/i.test(this.#request.headers['transfer-encoding'] ?? '');
  }

  get #length(): number {
    return Number(this.#request.headers['content-length'] ?? 0);
  }

  /** Reads the announced body; what follows stays in the socket. */
  async body(): Promise<Buffer> {
    this.#bodyTaken = true;
    if (/100-continue/i.test(this.#request.headers.expect ?? ''))
      this.#socket.write('HTTP/1.1 100 Continue\r\n\r\n');
    if (this.#chunked) return collect(this.#decoded());
    return this.#length > 0 ? collect(this.#taken(this.#length)) : Buffer.alloc(0);
  }

  /**
   * What is still to come, as the container's stdin. A body that was announced by its length and not read is no input
   * (dockerode sends its options in one). Chunks are input when there was no upgrade: a client cannot say otherwise
   * that input is coming.
   */
  stdin(upgraded: boolean): Readable {
    if (this.#bodyTaken) return this.#taken(Number.POSITIVE_INFINITY);
    if (this.#chunked) return upgraded ? this.#withoutLastChunk() : this.#decoded();
    return this.#skipping(this.#length);
  }

  /** The next `limit` bytes as a stream, with the socket's own back-pressure. */
  #taken(limit: number): Readable {
    let left = limit;
    return this.#readable((chunk) => {
      const part = chunk.length > left ? chunk.subarray(0, left) : chunk;
      left -= part.length;
      return { parts: [part], ...(left === 0 ? { rest: chunk.subarray(part.length) } : {}) };
    });
  }

  #skipping(count: number): Readable {
    let left = count;
    return this.#readable((chunk) => {
      const part = chunk.subarray(left);
      left -= Math.min(left, chunk.length);
      return { parts: [part] };
    });
  }

  #decoded(): Readable {
    const decoder = new ChunkedDecoder();
    return this.#readable((chunk) => {
      const parts = decoder.feed(chunk);
      return { parts, ...(decoder.done ? { rest: decoder.rest } : {}) };
    });
  }

  /** Node's own client closes its (empty) chunked body with a last chunk even when it upgrades. */
  #withoutLastChunk(): Readable {
    const last = Buffer.from('0\r\n\r\n');
    let first = true;
    return this.#readable((chunk) => {
      const skip = first && chunk.subarray(0, last.length).equals(last);
      first = false;
      return { parts: [skip ? chunk.subarray(last.length) : chunk] };
    });
  }

  /**
   * A readable over the socket. `take` gets each piece and says what of it belongs to the stream; with a `rest` (which
   * goes back into the socket) the stream is complete.
   */
  #readable(take: (chunk: Buffer) => { parts: Buffer[]; rest?: Buffer }): Readable {
    const socket = this.#socket;
    const stop = () => {
      socket.off('data', onData).off('end', onEnd).off('close', onEnd);
      socket.pause();
    };
    const readable = new Readable({
      read: () => {
        if (!readable.readableEnded) socket.resume();
      },
      destroy: (error, callback) => {
        stop();
        // whatever else comes is read and forgotten, so that the end of the connection is noticed
        socket.resume();
        callback(error);
      },
      autoDestroy: false,
    });
    const onEnd = () => {
      stop();
      readable.push(null);
    };
    const onData = (chunk: Buffer) => {
      try {
        const { parts, rest } = take(chunk);
        let room = true;
        for (const part of parts) if (part.length > 0) room = readable.push(part) && room;
        if (rest !== undefined) {
          onEnd();
          if (rest.length > 0) socket.unshift(rest);
        } else if (!room) {
          socket.pause();
        }
      } catch (error) {
        readable.destroy(error instanceof Error ? error : new Error(String(error)));
      }
    };
    socket.on('data', onData).on('end', onEnd).on('close', onEnd);
    if (socket.readableEnded || socket.destroyed) onEnd();
    return readable;
  }
}

/** Answers on a socket that Node's HTTP server has let go of; the connection ends with it. */
export function sendRaw(socket: Duplex, reply: PlainReply, headers: Record<string, string>): void {
  const body = reply.body ?? '';
  const lines = [
    `HTTP/1.1 ${reply.status} ${STATUS_CODES[reply.status]}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    ...(reply.contentType === undefined ? [] : [`Content-Type: ${reply.contentType}`]),
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ];
  socket.end(`${lines.join('\r\n')}\r\n\r\n${body}`);
  socket.resume();
  linger(socket);
}

function linger(socket: Duplex): void {
  const timer = setTimeout(() => socket.destroy(), LINGER);
  socket.once('close', () => clearTimeout(timer));
}

/** One of the container's outputs on its way to the client; a write completes when the kernel has taken it. */
class Output extends Writable {
  readonly #socket: Duplex;
  readonly #stream: StreamNumber | undefined;

  /** @param stream undefined: raw bytes, without frames */
  constructor(socket: Duplex, stream: StreamNumber | undefined) {
    super({ highWaterMark: 64 * 1024 });
    this.#socket = socket;
    this.#stream = stream;
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    if (!this.#socket.writable) {
      callback(new Error('the client has gone'));
      return;
    }
    if (this.#stream === undefined) {
      this.#socket.write(chunk, callback);
      return;
    }
    this.#socket.cork();
    this.#socket.write(frameHeader(this.#stream, chunk.length));
    this.#socket.write(chunk, callback);
    this.#socket.uncork();
  }
}

export interface SessionConnection {
  request: IncomingMessage;
  socket: Duplex;
  input: RawInput;
  /** Headers of every answer of this server. */
  headers: Record<string, string>;
  /** Minor API version. */
  version: number;
  /** Called when the client has gone. */
  gone: AbortController;
  log: ApiLog;
}

/** Switches protocols and runs the session to its end. Never throws: the client's connection is the only place to tell. */
export async function runSession(connection: SessionConnection, plan: SessionPlan): Promise<void> {
  const { request, socket, input, gone } = connection;
  const { session } = plan;
  const upgraded = request.headers.upgrade !== undefined;
  const type = !session.tty && connection.version >= 42 && upgraded ? 'multiplexed-stream' : 'raw-stream';
  const lines = [
    upgraded ? 'HTTP/1.1 101 UPGRADED' : 'HTTP/1.1 200 OK',
    `Content-Type: application/vnd.docker.${type}`,
    ...(upgraded ? ['Connection: Upgrade', 'Upgrade: tcp'] : []),
    ...Object.entries(connection.headers).map(([name, value]) => `${name}: ${value}`),
  ];
  if (socket instanceof Socket) socket.setNoDelay(true).setKeepAlive(true, 30_000);
  socket.write(`${lines.join('\r\n')}\r\n\r\n`);

  const stdout = new Output(socket, session.tty ? undefined : STREAM.stdout);
  const stderr = session.tty ? stdout : new Output(socket, STREAM.stderr);
  // an output that fails is the client's going, which the signal tells
  for (const output of [stdout, stderr]) output.on('error', () => gone.abort());
  const stdin = input.stdin(upgraded);
  stdin.on('error', () => gone.abort());
  if (!plan.stdin) stdin.resume();
  const stopWatching = watchPresence(socket, gone);
  try {
    await session.run({
      stdin: plan.stdin ? stdin : undefined,
      stdout: plan.stdout ? stdout : undefined,
      stderr: plan.stderr ? stderr : undefined,
      signal: gone.signal,
    });
  } catch (error) {
    if (!gone.signal.aborted) {
      connection.log.error({ err: error, url: request.url }, 'session failed');
      if (stderr.writable) stderr.write(`${messageOf(error)}\r\n`);
    }
  } finally {
    stopWatching();
    await Promise.all([...new Set([stdout, stderr])].map(finish));
    stdin.destroy();
    socket.end();
    linger(socket);
  }
}

function finish(output: Writable): Promise<void> {
  return new Promise((resolve) => {
    if (output.destroyed) {
      resolve();
      return;
    }
    output.once('close', resolve);
    output.end();
  });
}

/**
 * A client that closes its half of the connection may only have come to the end of its input. Whether it is still there
 * shows a write of nothing: on a Unix socket it fails with EPIPE once the peer has closed the other half too.
 * (Over TCP only the next output tells; keep-alive finds hosts that are gone.)
 */
function watchPresence(socket: Duplex, gone: AbortController): () => void {
  let timer: NodeJS.Timeout | undefined;
  const nothing = Buffer.alloc(0);
  const onEnd = () => {
    if (!(socket instanceof Socket) || 'encrypted' in socket) return;
    timer = setInterval(() => {
      if (socket.writable && socket.writableLength === 0) socket.write(nothing);
    }, PRESENCE_INTERVAL);
  };
  const onClose = () => gone.abort();
  socket.on('end', onEnd).on('close', onClose);
  if (socket.readableEnded) onEnd();
  return () => {
    clearInterval(timer);
    socket.off('end', onEnd).off('close', onClose);
  };
}
