/** HTTP requests as a registry needs them: node's own client, no redirects, errors in the words of Go's, which users know. */

import type { Agent, IncomingHttpHeaders, IncomingMessage } from 'node:http';
import https from 'node:https';
import { BridgeportError, messageOf } from '../../base/errors.ts';
import { Certificates } from './certificates.ts';

// Not by import, which would load undici: docs/decisions/0004.
const http = process.getBuiltinModule('node:http');

export interface HttpRequest {
  method: 'GET' | 'HEAD' | 'POST';
  url: URL;
  headers: Record<string, string>;
  body?: string;
  /** accept any certificate */
  insecure: boolean;
  signal: AbortSignal;
}

export interface HttpResponse {
  status: number;
  headers: IncomingHttpHeaders;
  /** Must be read or destroyed. Its errors have been turned into ours. */
  body: IncomingMessage;
}

export interface HttpTransportOptions {
  /** default 60,000 */
  idleTimeoutMs?: number | undefined;
  /** default `/etc/docker/certs.d` */
  certsDirectory?: string | undefined;
  /** where proxies are looked up, default our own */
  environment?: NodeJS.ProcessEnv | undefined;
}

/** Milliseconds without a byte from the server until a request is given up. */
const IDLE_TIMEOUT = 60_000;
const KEEP_ALIVE = 5_000;

/** Codes of errors that another try may mend. A name that cannot be looked up is none: the user shall not wait for that. */
const TRANSIENT = new Set(['ECONNRESET', 'ECONNABORTED', 'EPIPE', 'ETIMEDOUT', 'ERR_STREAM_PREMATURE_CLOSE']);

/** The connections to all registries. Proxies are taken from the environment (`HTTPS_PROXY`, `NO_PROXY` …), as by dockerd. */
export class HttpTransport {
  readonly #idleTimeout: number;
  readonly #plain: Agent;
  readonly #secure: https.Agent;
  readonly #certificates: Certificates;

  constructor(options: HttpTransportOptions = {}) {
    this.#idleTimeout = options.idleTimeoutMs ?? IDLE_TIMEOUT;
    this.#certificates = new Certificates(options.certsDirectory);
    const common = {
      keepAlive: true,
      timeout: KEEP_ALIVE,
      proxyEnv: options.environment ?? process.env,
    };
    this.#plain = new http.Agent(common);
    this.#secure = new https.Agent(common);
  }

  /**
   * Resolves with the head of the answer, whatever its status.
   *
   * @throws `unavailable` when there is no answer; the signal's reason when it was aborted
   */
  async request(request: HttpRequest): Promise<HttpResponse> {
    const { method, url, headers, body, signal } = request;
    signal.throwIfAborted();
    const secure = url.protocol === 'https:';
    // Connections are shared only among requests with the same context and the same trust.
    const options = secure
      ? {
          agent: this.#secure,
          secureContext: await this.#certificates.contextOf(url.host),
          rejectUnauthorized: !request.insecure,
        }
      : { agent: this.#plain };
    try {
      const response = await new Promise<IncomingMessage>((resolve, reject) => {
        const call = (secure ? https : http).request(url, {
          method,
          headers: { 'user-agent': 'bridgeport', ...headers },
          ...options,
          signal,
          timeout: this.#idleTimeout,
        });
        call.once('response', resolve);
        call.on('error', reject);
        call.once('timeout', () => call.destroy(timedOut()));
        call.end(body);
      });
      return { status: response.statusCode ?? 0, headers: response.headers, body: response };
    } catch (error) {
      signal.throwIfAborted();
      throw requestError(method, url, error);
    }
  }

  /** Closes idle connections; those in use end with their requests. */
  close(): void {
    this.#plain.destroy();
    this.#secure.destroy();
  }
}

function timedOut(): Error {
  return Object.assign(new Error('i/o timeout'), { code: 'ETIMEDOUT' });
}

/** `Get "http://127.0.0.1:5000/v2/": dial tcp 127.0.0.1:5000: connect: connection refused` */
export function requestError(method: string, url: URL, cause: unknown): BridgeportError {
  const shown = `${method[0]}${method.slice(1).toLowerCase()} "${withoutSecrets(url)}"`;
  const errno = codeOf(cause);
  return new BridgeportError('unavailable', `${shown}: ${describe(url, cause)}`, {
    cause,
    ...(errno === undefined ? {} : { errno }),
  });
}

/** A signed URL's query is as good as a password. */
function withoutSecrets(url: URL): string {
  return `${url.origin}${url.pathname}`;
}

/** The first error code in the chain of causes; several addresses tried in vain come as an `AggregateError`. */
export function codeOf(error: unknown): string | undefined {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    const { code } = at as NodeJS.ErrnoException;
    if (typeof code === 'string') return code;
  }
  return undefined;
}

function describe(url: URL, cause: unknown): string {
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  const address = `${url.hostname}:${port}`;
  const code = codeOf(cause);
  switch (code) {
    case 'ECONNREFUSED':
      return `dial tcp ${address}: connect: connection refused`;
    case 'EHOSTUNREACH':
      return `dial tcp ${address}: connect: no route to host`;
    case 'ENETUNREACH':
      return `dial tcp ${address}: connect: network is unreachable`;
    case 'ETIMEDOUT':
      return `dial tcp ${address}: i/o timeout`;
    case 'ENOTFOUND':
      return `dial tcp: lookup ${url.hostname}: no such host`;
    case 'EAI_AGAIN':
      return `dial tcp: lookup ${url.hostname}: temporary failure in name resolution`;
    case 'ECONNRESET':
      return `read tcp ${address}: connection reset by peer`;
    case 'EPROTO':
    case 'ERR_SSL_WRONG_VERSION_NUMBER':
    case 'ERR_SSL_PACKET_LENGTH_TOO_LONG':
      return 'http: server gave HTTP response to HTTPS client';
    default:
      return code !== undefined && /CERT|SELF_SIGNED|ISSUER|SIGNATURE|ALTNAME/.test(code)
        ? `tls: failed to verify certificate: x509: ${messageOf(cause)}`
        : messageOf(cause);
  }
}

/** True for a failure that another try may mend: the connection broke, rather than being refused. */
export function isTransient(error: unknown): boolean {
  const code = codeOf(error);
  return code !== undefined && TRANSIENT.has(code);
}
