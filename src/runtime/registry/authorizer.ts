/**
 * Answers a registry's challenges: basic authentication, or a token from its token server
 * (https://distribution.github.io/distribution/spec/auth/token/ and …/oauth/).
 */

import { BridgeportError, messageOf } from '../../base/errors.ts';
import { type Challenge, parseChallenges } from './challenge.ts';
import { basicHeader, type Credentials } from './credentials.ts';
import type { Endpoint } from './endpoints.ts';
import { parseProblems, RegistryResponseError } from './errors.ts';
import type { HttpResponse, HttpTransport } from './http.ts';

/** Seconds that a token lasts when the server does not say: the token specification's default. */
const DEFAULT_TOKEN_SECONDS = 60;
/** A token that ends sooner than this is not used any more, milliseconds. */
const TOKEN_MARGIN = 5_000;
const TOKEN_ANSWER_MAX_BYTES = 1 << 20;
const CLIENT_ID = 'bridgeport';

interface Token {
  header: string;
  /** milliseconds since the epoch */
  until: number;
}

export class Authorizer {
  readonly #transport: HttpTransport;
  readonly #endpoint: Endpoint;
  readonly #credentials: Credentials;
  #challenge: Challenge | undefined;
  /** By scope. A promise, so that parallel requests share one trip to the token server. */
  readonly #tokens = new Map<string, Promise<Token>>();

  constructor(transport: HttpTransport, endpoint: Endpoint, credentials: Credentials) {
    this.#transport = transport;
    this.#endpoint = endpoint;
    this.#credentials = credentials;
  }

  /** Takes note of what a 401 asks for. False when it asks for nothing we can give. */
  challenged(header: string | undefined): boolean {
    const challenges = parseChallenges(header ?? '');
    const usable =
      challenges.find(({ scheme, parameters }) => scheme === 'bearer' && parameters.realm !== undefined) ??
      challenges.find(({ scheme }) => scheme === 'basic');
    if (usable === undefined) return false;
    this.#challenge = usable;
    return true;
  }

  /** Forgets the token for `scope`: the registry did not take it. */
  refused(scope: string): void {
    this.#tokens.delete(scope);
  }

  /**
   * The value of `Authorization` for a request within `scope` (`repository:library/x:pull`); undefined as long as the
   * registry asked for none.
   *
   * @throws `unauthorized`
   */
  async header(scope: string, signal: AbortSignal): Promise<string | undefined> {
    const challenge = this.#challenge;
    if (challenge === undefined) return undefined;
    if (this.#credentials.kind === 'registry') return `Bearer ${this.#credentials.token}`;
    if (challenge.scheme === 'basic') return this.#basic();
    const known = await this.#tokens.get(scope)?.catch(() => undefined);
    if (known !== undefined && known.until - TOKEN_MARGIN > Date.now()) return known.header;
    const fetched = this.#fetchToken(challenge, scope, signal);
    this.#tokens.set(scope, fetched);
    // Handled by whoever awaits it; a failed one must not be found by the next.
    fetched.catch(() => this.#tokens.delete(scope));
    return (await fetched).header;
  }

  #basic(): string {
    if (this.#credentials.kind !== 'basic') {
      throw new BridgeportError(
        'unauthorized',
        `Get "${this.#endpoint.url.origin}/v2/": no basic auth credentials`,
      );
    }
    return basicHeader(this.#credentials.username, this.#credentials.password);
  }

  async #fetchToken(challenge: Challenge, scope: string, signal: AbortSignal): Promise<Token> {
    const { realm = '', service } = challenge.parameters;
    const url = this.#realm(realm);
    const response =
      this.#credentials.kind === 'identity'
        ? await this.#postToken(url, service, scope, this.#credentials.token, signal)
        : await this.#getToken(url, service, scope, signal);
    const body = await readAll(response, TOKEN_ANSWER_MAX_BYTES);
    if (response.status < 200 || response.status > 299) {
      const problems = parseProblems(body);
      // A token server need not speak the registry's error language; 401 there means wrong credentials.
      if (response.status === 401 && problems.length === 0) {
        problems.push({ code: 'UNAUTHORIZED', message: 'incorrect username or password' });
      }
      throw new RegistryResponseError(response.status, response.body.statusMessage ?? '', problems);
    }
    return parseToken(url, body);
  }

  /** @throws `unauthorized` for a token server that would get our credentials in the clear, though the registry is secure */
  #realm(realm: string): URL {
    const url = URL.canParse(realm) ? new URL(realm) : undefined;
    if (url === undefined || !['http:', 'https:'].includes(url.protocol)) {
      throw new BridgeportError('unauthorized', `the registry names no valid token server: "${realm}"`);
    }
    if (url.protocol === 'http:' && !this.#endpoint.insecure && this.#credentials.kind !== 'none') {
      throw new BridgeportError(
        'unauthorized',
        `refusing to send credentials to the token server ${url.origin} without TLS`,
      );
    }
    return url;
  }

  #getToken(
    realm: URL,
    service: string | undefined,
    scope: string,
    signal: AbortSignal,
  ): Promise<HttpResponse> {
    const url = new URL(realm);
    if (service !== undefined) url.searchParams.set('service', service);
    if (scope !== '') url.searchParams.append('scope', scope);
    const headers: Record<string, string> = { accept: 'application/json' };
    if (this.#credentials.kind === 'basic') {
      const { username, password } = this.#credentials;
      url.searchParams.set('account', username);
      headers.authorization = basicHeader(username, password);
    }
    return this.#transport.request({
      method: 'GET',
      url,
      headers,
      insecure: this.#endpoint.insecure,
      signal,
    });
  }

  #postToken(
    url: URL,
    service: string | undefined,
    scope: string,
    refreshToken: string,
    signal: AbortSignal,
  ): Promise<HttpResponse> {
    const form = new URLSearchParams({
      grant_type: 'refresh_token',
      client_id: CLIENT_ID,
      ...(scope === '' ? {} : { scope }),
      refresh_token: refreshToken,
      ...(service === undefined ? {} : { service }),
    });
    return this.#transport.request({
      method: 'POST',
      url,
      headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
      body: form.toString(),
      insecure: this.#endpoint.insecure,
      signal,
    });
  }
}

function parseToken(url: URL, body: string): Token {
  try {
    const answer = JSON.parse(body) as Record<string, unknown>;
    const token = answer.token ?? answer.access_token;
    if (typeof token !== 'string' || token === '') throw new Error('it has no token');
    const seconds = typeof answer.expires_in === 'number' ? answer.expires_in : 0;
    return {
      header: `Bearer ${token}`,
      until: Date.now() + Math.max(seconds, DEFAULT_TOKEN_SECONDS) * 1000,
    };
  } catch (cause) {
    throw new BridgeportError(
      'unavailable',
      `answer of the token server ${url.origin} cannot be used: ${messageOf(cause)}`,
      { cause },
    );
  }
}

/** The body as text, of which at most `maxBytes` are read. */
export async function readAll(response: HttpResponse, maxBytes: number): Promise<string> {
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of response.body) {
    pieces.push(piece as Buffer);
    length += (piece as Buffer).length;
    if (length > maxBytes) break;
  }
  return Buffer.concat(pieces).subarray(0, maxBytes).toString();
}
