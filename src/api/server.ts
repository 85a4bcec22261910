/**
 * The Docker Engine HTTP API over Node's own HTTP server.
 *
 * No web framework: what one would give (routing, body parsing, validation) Docker's API needs done differently
 * (parameters that hold slashes, Go's JSON rules, connections that stop being HTTP), and one costs 27 MB and 0.1 s.
 */

import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { type Duplex, finished } from 'node:stream';
import { invalid, notFound } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Backend } from './backend.ts';
import { collect, decodeJson, parseJson, requireJson } from './body.ts';
import type { Call } from './call.ts';
import type { Decoder } from './decode.ts';
import { runSession, sendRaw } from './hijack.ts';
import { describeAddress, type ListenAddress, listenOn } from './listen.ts';
import type { Guard } from './page/guard.ts';
import { Query } from './query.ts';
import { RawInput } from './raw-input.ts';
import { send, sendEmpty } from './reply.ts';
import { createRouter, type Match, type Route, type Router } from './router.ts';
import { allRoutes } from './routes/index.ts';
import { errorReply, statusOf } from './status.ts';
import { turn } from './turn.ts';
import { negotiate, splitVersion, type VersionRange } from './version.ts';
import { refuseWebPages } from './web-pages.ts';

// Not by import, which would load undici: docs/decisions/0004.
const http = process.getBuiltinModule('node:http');

/** Bytes of a JSON body whose reading takes turns with others who want an answer. */
const LARGE_BODY = 64 * 1024;

export interface ApiServerOptions {
  log: Log;
  /** The newest API version, and that of requests which name none. Default `1.51`. */
  apiVersion?: string;
  /** Default `1.24`. */
  minApiVersion?: string;
  /** The `Server` header. Default `Bridgeport (linux)`. */
  serverHeader?: string;
  /** Told of every request that a route answered: for those who count. */
  onAnswered?: (answered: AnsweredRequest) => void;
  /** What is served. Default: the whole API. */
  routes?: Route[];
  /** Looks at every request before anything else does; what it throws is the answer. Default: nobody is refused. */
  guard?: Guard;
}

export interface AnsweredRequest {
  method: string;
  /** The pattern of the route: `/containers/{name}/start`. */
  route: string;
  status: number;
  /** Until the answer had been sent; undefined for answers that last as long as the client listens. */
  seconds: number | undefined;
}

export interface ApiServer {
  /**
   * Serves at one more address. Resolves with the address that was bound (the port, when 0 was asked for).
   *
   * @throws `conflict` when the address is taken: `another daemon listens on /run/bridgeport.sock`
   */
  listen(address: ListenAddress): Promise<ListenAddress>;
  /** Takes no more requests, ends streams, waits up to `graceMs` for the rest and cuts what is left. */
  close(options: { graceMs: number }): Promise<void>;
}

/** Milliseconds for a request's headers to be complete: half a minute is much for a slow client, little for an attacker. */
const HEADERS_TIMEOUT = 30_000;

/** Milliseconds an idle connection is kept. Long, because a client that reuses one as we close it sees a failed request. */
const KEEP_ALIVE_TIMEOUT = 10 * 60_000;

/** Bytes; Go's default, since `X-Registry-Auth` and long lists of names go into headers. */
const MAX_HEADER_SIZE = 1024 * 1024;

/**
 * Milliseconds in which a client may finish a body that has been refused. It is read and forgotten meanwhile: a client cut
 * off while it writes may never read why.
 */
const REFUSED_BODY_TIMEOUT = 30_000;

function cutAfter(request: IncomingMessage, timeout: number): void {
  const timer = setTimeout(() => request.socket.destroy(), timeout).unref();
  request.once('close', () => clearTimeout(timer));
}

/** A request's target, taken apart. Nothing in it is trusted yet. */
interface Target {
  version: string | undefined;
  path: string;
  query: Query;
}

function parseTarget(url: string): Target | undefined {
  const at = url.indexOf('?');
  try {
    const pathname = decodeURIComponent(at === -1 ? url : url.slice(0, at));
    // no name has a NUL, and it would end a path early where a C library reads it
    if (pathname.includes('\0')) return undefined;
    return { ...splitVersion(pathname), query: new Query(at === -1 ? '' : url.slice(at + 1)) };
  } catch {
    return undefined;
  }
}

export function createApiServer(backend: Backend, options: ApiServerOptions): ApiServer {
  return new HttpApi(backend, options);
}

class HttpApi implements ApiServer {
  readonly #backend: Backend;
  readonly #router: Router;
  readonly #guard: Guard | undefined;
  readonly #log: Log;
  readonly #range: VersionRange;
  readonly #headers: Record<string, string>;
  readonly #onAnswered: (answered: AnsweredRequest) => void;
  readonly #servers = new Set<Server>();
  /** Sockets that belong to a session, which Node's server no longer knows. */
  readonly #sessions = new Set<Duplex>();
  /** Of every request that is being served. */
  readonly #running = new Set<AbortController>();
  #closing = false;

  constructor(backend: Backend, options: ApiServerOptions) {
    this.#backend = backend;
    this.#router = createRouter(options.routes ?? allRoutes());
    this.#guard = options.guard;
    this.#log = options.log;
    this.#onAnswered = options.onAnswered ?? (() => {});
    this.#range = { min: options.minApiVersion ?? '1.24', max: options.apiVersion ?? '1.51' };
    this.#headers = {
      'Api-Version': this.#range.max,
      'Docker-Experimental': 'false',
      Ostype: 'linux',
      Server: options.serverHeader ?? 'Bridgeport (linux)',
    };
  }

  async listen(address: ListenAddress): Promise<ListenAddress> {
    const server = await this.#createServer(address);
    await listenOn(server, address);
    this.#servers.add(server);
    const bound = server.address();
    const result =
      address.kind === 'tcp' && typeof bound === 'object' ? { ...address, port: bound?.port ?? 0 } : address;
    this.#log.info({ address: describeAddress(result) }, 'API listens');
    return result;
  }

  async close({ graceMs }: { graceMs: number }): Promise<void> {
    this.#closing = true;
    const closed = [...this.#servers].map(
      (server) => new Promise<void>((resolve) => server.close(() => resolve())),
    );
    for (const controller of this.#running) controller.abort();
    this.#closeIdle();
    const cut = setTimeout(() => {
      for (const server of this.#servers) server.closeAllConnections();
      for (const socket of this.#sessions) socket.destroy();
    }, graceMs);
    await Promise.all(closed);
    clearTimeout(cut);
    for (const socket of this.#sessions) socket.destroy();
    this.#servers.clear();
  }

  #closeIdle(): void {
    for (const server of this.#servers) server.closeIdleConnections();
  }

  async #createServer(address: ListenAddress): Promise<Server> {
    const settings = {
      IncomingMessage: this.#requestClass(),
      maxHeaderSize: MAX_HEADER_SIZE,
      headersTimeout: HEADERS_TIMEOUT,
      keepAliveTimeout: KEEP_ALIVE_TIMEOUT,
      // bodies that are streams may take for ever; JSON bodies have their own limit
      requestTimeout: 0,
      noDelay: true,
    };
    let server: Server;
    if (address.kind === 'tcp' && address.tls !== undefined) {
      const { cert, key, ca, verify } = address.tls;
      const { createServer: createTlsServer } = await import('node:https');
      server = createTlsServer({
        ...settings,
        cert,
        key,
        ...(ca === undefined ? {} : { ca }),
        requestCert: verify ?? false,
        rejectUnauthorized: verify ?? false,
        minVersion: 'TLSv1.2',
      });
    } else {
      server = http.createServer(settings);
    }
    server.on('request', (request, response) => void this.#serve(request, response));
    server.on('upgrade', (request, socket, head) => void this.#serveSession(request, socket, head));
    server.on('clientError', (error: NodeJS.ErrnoException, socket) => this.#refuse(error, socket));
    return server;
  }

  /**
   * Node hands over the socket only when `request.upgrade` is true after the headers. For us not the client's `Upgrade`
   * header decides that but the route: `docker build`'s h2c is an ordinary request, and an old client's attach without
   * the header is a session.
   */
  #requestClass(): typeof IncomingMessage {
    const find = (method: string | undefined, url: string | undefined) =>
      this.#find(method, parseTarget(url ?? ''));
    return class extends http.IncomingMessage {
      get upgrade(): boolean {
        return find(this.method, this.url)?.route.kind === 'session';
      }

      set upgrade(_asked: boolean | null) {}
    };
  }

  #find(method: string | undefined, target: Target | undefined): Match | undefined {
    return target === undefined ? undefined : this.#router.find(method ?? '', target.path);
  }

  #call(
    request: IncomingMessage,
    target: Target,
    match: Match,
    signal: AbortSignal,
    body: () => Promise<Buffer>,
  ): Call {
    refuseWebPages(request);
    const version = negotiate(target.version, this.#range);
    const { since } = match.route;
    if (since !== undefined && version < since) {
      const asked = target.version ?? this.#range.max;
      throw invalid(
        `${match.route.method} ${match.route.path} requires API version 1.${since}, but the requested API version is ${asked}`,
      );
    }
    return {
      backend: this.#backend,
      log: this.#log,
      headers: request.headers,
      params: match.params,
      query: target.query,
      version,
      signal,
      async json<T>(decoder: Decoder<T>): Promise<T> {
        const announced = Number(request.headers['content-length'] ?? 0) > 0;
        requireJson(request.headers, !announced && request.headers['transfer-encoding'] === undefined);
        const bytes = await body();
        const isLarge = bytes.length > LARGE_BODY;
        const value = parseJson(bytes);
        if (isLarge) await turn();
        const decoded = decodeJson(value, decoder);
        if (isLarge) await turn();
        return decoded;
      },
    };
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const started = performance.now();
    const controller = new AbortController();
    this.#running.add(controller);
    let route: Route | undefined;
    response.on('error', () => {});
    response.once('close', () => {
      this.#running.delete(controller);
      controller.abort();
      this.#logged(request, route, response.statusCode, started);
      if (this.#closing) setImmediate(() => this.#closeIdle());
    });
    for (const [name, value] of Object.entries(this.#headers)) response.setHeader(name, value);
    if (this.#closing) response.setHeader('Connection', 'close');
    try {
      this.#guard?.(request, response);
      if (request.method === 'OPTIONS') {
        sendEmpty(response, 200);
        return;
      }
      const target = parseTarget(request.url ?? '');
      if (target === undefined) throw invalid(`malformed path ${JSON.stringify(request.url)}`);
      const match = this.#find(request.method, target);
      route = match?.route;
      if (match === undefined || match.route.kind !== 'plain') throw notFound('page not found');
      const call = this.#call(request, target, match, controller.signal, () => collect(request));
      await match.route.handle({ ...call, request, response });
    } catch (error) {
      this.#fail(request, response, error, controller.signal);
    }
  }

  #fail(request: IncomingMessage, response: ServerResponse, error: unknown, signal: AbortSignal): void {
    const fields = { err: error, method: request.method, url: request.url };
    if (response.headersSent || response.destroyed) {
      // too late for a status: a cut connection is what tells the client that the stream is not whole
      if (!signal.aborted) this.#log.error(fields, 'request failed while its answer was being sent');
      response.destroy();
      return;
    }
    if (statusOf(error) === 500) this.#log.error(fields, 'request failed');
    for (const name of ['Content-Type', 'Content-Length', 'Transfer-Encoding']) response.removeHeader(name);
    if (!request.complete) cutAfter(request, REFUSED_BODY_TIMEOUT);
    send(response, errorReply(error));
  }

  async #serveSession(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const started = performance.now();
    const gone = new AbortController();
    this.#running.add(gone);
    this.#sessions.add(socket);
    let status = 200;
    let route: Route | undefined;
    socket.on('error', () => {});
    socket.once('close', () => {
      this.#running.delete(gone);
      this.#sessions.delete(socket);
      gone.abort();
      this.#logged(request, route, status, started);
    });
    const input = new RawInput(request, socket, head);
    try {
      const target = parseTarget(request.url ?? '')!;
      const match = this.#find(request.method, target)!;
      route = match.route;
      const call = this.#call(request, target, match, gone.signal, () => input.body());
      if (match.route.kind !== 'session') throw notFound('page not found');
      const plan = await match.route.open(call);
      if ('status' in plan) {
        status = plan.status;
        sendRaw(socket, plan, this.#headers);
        return;
      }
      status = request.headers.upgrade === undefined ? 200 : 101;
      await runSession(
        { request, socket, input, headers: this.#headers, version: call.version, gone, log: this.#log },
        plan,
      );
      // the client's turn to close is waived when we leave
      if (this.#closing) finished(socket, { readable: false }, () => socket.destroy());
    } catch (error) {
      const reply = errorReply(error);
      status = reply.status;
      if (status === 500) {
        this.#log.error({ err: error, method: request.method, url: request.url }, 'request failed');
      }
      sendRaw(socket, reply, this.#headers);
    }
  }

  /** Bytes that are not HTTP, or too many, or too slow. */
  #refuse(error: NodeJS.ErrnoException, socket: Duplex): void {
    if (error.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy();
      return;
    }
    const status =
      error.code === 'HPE_HEADER_OVERFLOW'
        ? '431 Request Header Fields Too Large'
        : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
          ? '408 Request Timeout'
          : '400 Bad Request';
    const isHead = 'rawPacket' in error && String(error.rawPacket).startsWith('HEAD ');
    const body = isHead ? '' : `${JSON.stringify({ message: status.slice(4) })}\n`;
    socket.end(
      `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
    );
  }

  #logged(request: IncomingMessage, route: Route | undefined, status: number, started: number): void {
    const duration = performance.now() - started;
    const durationMs = Math.round(duration * 10) / 10;
    this.#log.debug({ method: request.method, path: request.url, status, durationMs }, 'request');
    // What no route answers is not counted: its path is the client's choice, and would be a series of its own each time.
    if (route === undefined) return;
    const { method, path, kind } = route;
    const lasts = kind === 'session' || route.lasts === true;
    this.#onAnswered({ method, route: path, status, seconds: lasts ? undefined : duration / 1000 });
  }
}
