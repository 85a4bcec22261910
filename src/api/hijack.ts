/**
 * Attach and exec: after the headers the connection is no longer HTTP but the container's stdin, stdout and stderr.
 *
 * Node hands us the socket through its `upgrade` event (see `server.ts` for clients that do not ask for one), with
 * whatever the client has already sent behind the headers: a JSON body, early input, or both.
 */

import type { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { type Duplex, Writable } from 'node:stream';
import { messageOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { SessionPlan } from './call.ts';
import type { RawInput } from './raw-input.ts';
import type { PlainReply } from './status.ts';
import { frameHeader, STREAM, type StreamNumber } from './stdcopy.ts';

// Not by import, which would load undici: docs/decisions/0004.
const { STATUS_CODES } = process.getBuiltinModule('node:http');

/** Milliseconds a client has to close after we have; then the connection is cut. */
const LINGER = 5_000;

/** Milliseconds between two looks whether a client that has finished its input is still there. */
const PRESENCE_INTERVAL = 1_000;

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
  log: Log;
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
