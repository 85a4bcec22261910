import type { ClientRequest, RequestOptions as HttpOptions, IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Endpoint } from './endpoint.ts';
import { ConnectionError, DaemonError } from './errors.ts';

// Not by import, which would load undici: docs/decisions/0004.
const http = process.getBuiltinModule('node:http');

/** The newest API version this command line knows. */
export const API_VERSION = '1.51';

/** Query parameters; undefined, false and empty ones are left out, lists are repeated, objects become JSON. */
export type Query = Record<string, unknown>;

/** One request. */
export interface RequestOptions {
  query?: Query | undefined;
  /** Sent as JSON. */
  body?: unknown;
  /** Sent as it is (a tar stream), instead of `body`. */
  stream?: NodeJS.ReadableStream | undefined;
  headers?: Record<string, string> | undefined;
  signal?: AbortSignal | undefined;
  /** False leaves `/v1.51` out of the path: for what Docker's API does not know. */
  versioned?: boolean;
}

/**
 * Speaks the Docker Engine HTTP API to one endpoint. The version is agreed with the daemon by the first request.
 *
 * Every method throws `ConnectionError` when nobody answers and `DaemonError` for a status of 400 and above.
 */
export class ApiClient {
  readonly endpoint: Endpoint;
  readonly #headers: Record<string, string>;
  readonly #agent = new http.Agent({ keepAlive: true });
  readonly #pinned: string | undefined;
  #version: Promise<string> | undefined;

  constructor(
    endpoint: Endpoint,
    options: { version?: string | undefined; headers?: Record<string, string> } = {},
  ) {
    this.endpoint = endpoint;
    this.#pinned = options.version || undefined;
    this.#headers = { 'User-Agent': 'Bridgeport-Client', ...options.headers };
  }

  /** The API version spoken: the daemon's when it is older than ours. */
  version(): Promise<string> {
    this.#version ??= this.#pinned ? Promise.resolve(this.#pinned) : this.#negotiate();
    return this.#version;
  }

  async #negotiate(): Promise<string> {
    const response = await this.request('HEAD', '/_ping', { versioned: false });
    response.resume();
    const offered = response.headers['api-version'];
    return typeof offered === 'string' && olderThan(offered, API_VERSION) ? offered : API_VERSION;
  }

  /** Sends a request and returns its answer, whose body the caller reads. */
  async request(method: string, path: string, options: RequestOptions = {}): Promise<IncomingMessage> {
    const request = await this.#open(method, path, options);
    const answer = new Promise<IncomingMessage>((resolve, reject) => {
      request.once('response', resolve);
      request.once('error', (error) => reject(this.#connectionError(error, options.signal)));
    });
    this.#send(request, options);
    return checked(await answer);
  }

  /** Sends a request and returns the body of the answer as text. */
  async text(method: string, path: string, options: RequestOptions = {}): Promise<string> {
    return readText(await this.request(method, path, options));
  }

  /** Sends a request and returns the JSON of the answer (null for an empty one). */
  async json<T>(method: string, path: string, options: RequestOptions = {}): Promise<T> {
    const body = await this.text(method, path, options);
    return (body === '' ? null : JSON.parse(body)) as T;
  }

  /**
   * Upgrades the connection (`Connection: Upgrade`, `Upgrade: tcp`) and returns the raw stream behind it; ending the
   * stream's write side tells the other end that no more input comes.
   */
  async hijack(method: string, path: string, options: RequestOptions = {}): Promise<Duplex> {
    const headers = { ...options.headers, Connection: 'Upgrade', Upgrade: 'tcp' };
    const request = await this.#open(method, path, { ...options, headers }, false);
    const stream = new Promise<Duplex>((resolve, reject) => {
      request.once('upgrade', (_response, socket, head) => {
        if (head.length > 0) socket.unshift(head);
        resolve(socket);
      });
      request.once('response', (response) => {
        checked(response).then(
          () => reject(new Error(`unable to upgrade to tcp, received ${response.statusCode}`)),
          reject,
        );
      });
      request.once('error', (error) => reject(this.#connectionError(error, options.signal)));
    });
    this.#send(request, options);
    return stream;
  }

  /** Closes idle connections, so that the process may end. */
  close(): void {
    this.#agent.destroy();
  }

  async #open(method: string, path: string, options: RequestOptions, pooled = true): Promise<ClientRequest> {
    const prefix = options.versioned === false ? '' : `/v${await this.version()}`;
    const { socketPath, host, port, tls } = this.endpoint;
    const headers: Record<string, string> = { ...this.#headers, ...options.headers };
    if (options.body !== undefined) headers['Content-Type'] = 'application/json';
    if (options.stream !== undefined) headers['Content-Type'] ??= 'application/x-tar';
    const settings: HttpOptions = {
      method,
      path: prefix + path + queryString(options.query),
      headers: { Host: socketPath ? 'localhost' : `${host}:${port}`, ...headers },
      ...(socketPath ? { socketPath } : { host, port }),
      ...(options.signal ? { signal: options.signal } : {}),
    };
    if (tls === undefined) return http.request({ ...settings, ...(pooled ? { agent: this.#agent } : {}) });
    const https = await import('node:https');
    const { ca, cert, key, verify } = tls;
    return https.request({ ...settings, ca, cert, key, rejectUnauthorized: verify });
  }

  #send(request: ClientRequest, options: RequestOptions): void {
    if (options.stream !== undefined) {
      // A source that fails must end the request, or the daemon would wait for the rest.
      options.stream.once('error', (error) => request.destroy(error));
      options.stream.pipe(request);
    } else if (options.body !== undefined) {
      const body = JSON.stringify(options.body);
      request.setHeader('Content-Length', Buffer.byteLength(body));
      request.end(body);
    } else {
      if (request.method === 'POST') request.setHeader('Content-Length', 0);
      request.end();
    }
  }

  #connectionError(error: NodeJS.ErrnoException, signal: AbortSignal | undefined): Error {
    return signal?.aborted ? error : new ConnectionError(this.endpoint, error);
  }
}

/** True when API version `a` came before `b`: `1.9` before `1.41`. */
export function olderThan(a: string, b: string): boolean {
  const [majorA = 0, minorA = 0] = a.split('.').map(Number);
  const [majorB = 0, minorB = 0] = b.split('.').map(Number);
  return majorA < majorB || (majorA === majorB && minorA < minorB);
}

/** The whole body of an answer as text. */
export async function readText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

async function checked(response: IncomingMessage): Promise<IncomingMessage> {
  const status = response.statusCode ?? 0;
  if (status < 400) return response;
  throw DaemonError.fromBody(status, await readText(response));
}

function queryString(query: Query | undefined): string {
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(query ?? {})) {
    if (value === undefined || value === false || value === '' || value === null) continue;
    if (Array.isArray(value)) for (const item of value) search.append(key, String(item));
    else
      search.append(
        key,
        typeof value === 'object' ? JSON.stringify(value) : value === true ? '1' : String(value),
      );
  }
  const text = search.toString();
  return text === '' ? '' : `?${text}`;
}
