/** One repository on one endpoint: requests with authorization and redirects, answers checked. */

import { BridgeportError } from '../../base/errors.ts';
import { Authorizer, readAll } from './authorizer.ts';
import type { Credentials } from './credentials.ts';
import type { Endpoint } from './endpoints.ts';
import { parseProblems, RegistryResponseError } from './errors.ts';
import type { HttpResponse, HttpTransport } from './http.ts';

const MAX_REDIRECTS = 10;
/** As much of an error's body as is looked at. */
const ERROR_MAX_BYTES = 64 << 10;

export class EndpointClient {
  readonly endpoint: Endpoint;
  readonly #transport: HttpTransport;
  readonly #authorizer: Authorizer;
  readonly #scope: string;
  #ping: Promise<void> | undefined;
  #answered = false;

  /** `scope`: what a token is asked for: `repository:library/x:pull`, or `''` for none */
  constructor(transport: HttpTransport, endpoint: Endpoint, credentials: Credentials, scope: string) {
    this.endpoint = endpoint;
    this.#transport = transport;
    this.#authorizer = new Authorizer(transport, endpoint, credentials);
    this.#scope = scope;
  }

  /** True once something has answered in HTTP: then the endpoint is the right one, whatever it said. */
  get answered(): boolean {
    return this.#answered;
  }

  /**
   * `GET /v2/PATH`. Resolves with a 2xx answer only.
   *
   * @throws `RegistryResponseError` for others; `unavailable`, `unauthorized`
   */
  async get(path: string, headers: Record<string, string>, signal: AbortSignal): Promise<HttpResponse> {
    // Parallel requests share one; a failed one is not remembered, so that a retry asks again.
    this.#ping ??= this.#pingOnce(signal).catch((error: unknown) => {
      this.#ping = undefined;
      throw error;
    });
    await this.#ping;
    const url = this.#url(path);
    let response = await this.#authorized(url, headers, signal);
    if (response.status === 401 && this.#authorizer.challenged(response.headers['www-authenticate'])) {
      // The token ran out, or the registry asks for another scope than its first page did.
      response.body.resume();
      this.#authorizer.refused(this.#scope);
      response = await this.#authorized(url, headers, signal);
    }
    if (response.status >= 200 && response.status < 300) return response;
    throw new RegistryResponseError(
      response.status,
      response.body.statusMessage ?? '',
      parseProblems(await readAll(response, ERROR_MAX_BYTES)),
    );
  }

  #url(path: string): URL {
    const url = new URL(this.endpoint.url);
    const [name, query = ''] = path.split('?') as [string, string?];
    url.pathname = `${url.pathname.replace(/\/$/, '')}/v2/${name}`;
    url.search = query;
    return url;
  }

  /** Learns whether anybody is there, and which authorization they want. */
  async #pingOnce(signal: AbortSignal): Promise<void> {
    const response = await this.#send(this.#url(''), {}, signal);
    this.#answered = true;
    if (response.status === 401) this.#authorizer.challenged(response.headers['www-authenticate']);
    response.body.resume();
  }

  async #authorized(url: URL, headers: Record<string, string>, signal: AbortSignal): Promise<HttpResponse> {
    const authorization = await this.#authorizer.header(this.#scope, signal);
    return this.#send(url, authorization === undefined ? headers : { ...headers, authorization }, signal);
  }

  /** Follows redirects. Credentials are for the registry alone: another origin never sees them. */
  async #send(from: URL, headers: Record<string, string>, signal: AbortSignal): Promise<HttpResponse> {
    let url = from;
    for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
      const { authorization, ...open } = headers;
      const sent = url.origin === from.origin && authorization !== undefined ? headers : open;
      const response = await this.#transport.request({
        method: 'GET',
        url,
        headers: sent,
        insecure: this.endpoint.insecure,
        signal,
      });
      const { location } = response.headers;
      if (![301, 302, 303, 307, 308].includes(response.status) || location === undefined) return response;
      response.body.resume();
      url = this.#redirect(url, location);
    }
    throw new BridgeportError(
      'unavailable',
      `Get "${from.origin}${from.pathname}": stopped after 10 redirects`,
    );
  }

  #redirect(from: URL, location: string): URL {
    const target = URL.canParse(location, from.href) ? new URL(location, from) : undefined;
    if (target === undefined || !['http:', 'https:'].includes(target.protocol)) {
      throw new BridgeportError(
        'unavailable',
        `Get "${from.origin}${from.pathname}": redirected to what is no URL: "${location}"`,
      );
    }
    if (target.protocol === 'http:' && from.protocol === 'https:' && !this.endpoint.insecure) {
      throw new BridgeportError(
        'unavailable',
        `Get "${from.origin}${from.pathname}": refusing a redirect to ${target.origin} without TLS`,
      );
    }
    return target;
  }
}
