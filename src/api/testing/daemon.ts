/** The real server on a socket of its own, before a fake engine. */

import { mkdtempSync, rmSync } from 'node:fs';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Log } from '../../base/log.ts';
import { silentLog } from '../../base/log.ts';
import { type ApiServer, createApiServer } from '../server.ts';
import { fakeBackend } from './fake-backend.ts';
import { FakeEngine } from './fake-engine.ts';

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
  json(): unknown;
}

export interface TestDaemon extends AsyncDisposable {
  socket: string;
  directory: string;
  engine: FakeEngine;
  server: ApiServer;
  /** One request; a body that is no string or buffer goes as JSON. */
  ask(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  /** A raw connection on which `text` has been written. */
  raw(text: string | Buffer): Socket;
}

export async function startDaemon(options: { log?: Log; tar?: () => Buffer } = {}): Promise<TestDaemon> {
  const directory = mkdtempSync(join(tmpdir(), 'bridgeport-api-'));
  const socket = join(directory, 'api.sock');
  const engine = new FakeEngine();
  const server = createApiServer(fakeBackend(engine, options.tar), { log: options.log ?? silentLog });
  await server.listen({ kind: 'unix', path: socket });
  return {
    socket,
    directory,
    engine,
    server,
    ask: (method, path, body, headers) => ask(socket, method, path, body, headers),
    raw(text) {
      const connection = connect({ path: socket, allowHalfOpen: true });
      connection.on('error', () => {});
      connection.write(text);
      return connection;
    },
    async [Symbol.asyncDispose]() {
      await server.close({ graceMs: 200 });
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function ask(
  socketPath: string,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const raw = body === undefined || typeof body === 'string' || Buffer.isBuffer(body);
  const payload = raw ? (body as string | Buffer | undefined) : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      {
        socketPath,
        method,
        path,
        agent: false,
        timeout: 10_000,
        headers: {
          ...(raw ? {} : { 'Content-Type': 'application/json' }),
          ...(payload === undefined ? {} : { 'Content-Length': Buffer.byteLength(payload) }),
          ...headers,
        },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString();
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text,
            json: () => JSON.parse(text) as unknown,
          });
        });
      },
    );
    request.on('timeout', () => request.destroy(new Error(`${method} ${path}: no answer in 10 s`)));
    request.on('error', reject);
    request.end(payload);
  });
}

/** Reads from a connection until `enough` says so, or it ends; fails after 5 s. */
export function readUntil(connection: Socket, enough: (data: Buffer) => boolean): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let data = Buffer.alloc(0);
    const finish = () => {
      clearTimeout(timer);
      connection.off('data', onData).off('end', finish).off('close', finish);
      resolve(data);
    };
    const onData = (chunk: Buffer) => {
      data = Buffer.concat([data, chunk]);
      if (enough(data)) finish();
    };
    const timer = setTimeout(
      () => reject(new Error(`not enough after 5 s: ${JSON.stringify(String(data))}`)),
      5_000,
    );
    connection.on('data', onData).on('end', finish).on('close', finish);
  });
}

export const toEnd = (connection: Socket): Promise<Buffer> => readUntil(connection, () => false);
