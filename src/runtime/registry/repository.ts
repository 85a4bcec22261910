/** One repository of a registry: its manifests, blobs and tags, from whichever endpoint has them. */

import { createHash } from 'node:crypto';
import { BridgeportError, invalid, isKind, messageOf } from '../../base/errors.ts';
import type { Descriptor } from './descriptor.ts';
import type { EndpointClient } from './endpoint-client.ts';
import { RegistryResponseError, translate } from './errors.ts';
import { type HttpResponse, isTransient } from './http.ts';
import { DOCKER_SCHEMA1_SIGNED, isSchema1Type, MANIFEST_TYPES } from './media-types.ts';
import { familiarName, isDigest, type Reference } from './reference.ts';
import { pause, type RetryPolicy, retry, retryDelay } from './retry.ts';

/** dockerd and registries take no larger ones. */
const MANIFEST_MAX_BYTES = 4 << 20;
const TAGS_MAX_BYTES = 32 << 20;
const MAX_TAG_PAGES = 1000;
/** So many bytes make a try count as a success, so that a long download may break more often than `attempts`. */
const PROGRESS_BYTES = 1 << 20;

export interface FetchedManifest {
  mediaType: string;
  digest: string;
  /** as it is hashed */
  data: Buffer;
}

export interface RepositoryLog {
  debug(fields: object, message: string): void;
}

export interface BlobOptions {
  /** first byte wanted, default 0 */
  offset?: number;
  signal: AbortSignal;
  /** Told before each pause after a broken connection, with the pause in milliseconds. */
  onRetry?: (delayMs: number) => void;
}

export class Repository {
  /** what the user asked for; errors name it */
  readonly reference: Reference;
  readonly #endpoints: EndpointClient[];
  readonly #retry: RetryPolicy;
  readonly #log: RepositoryLog;

  constructor(
    reference: Reference,
    endpoints: readonly EndpointClient[],
    retryPolicy: RetryPolicy,
    log: RepositoryLog,
  ) {
    this.reference = reference;
    this.#endpoints = [...endpoints];
    this.#retry = retryPolicy;
    this.#log = log;
  }

  /**
   * The manifest or index under a tag or digest.
   *
   * @throws `not-found` and others in Docker's words; `invalid` for schema 1, or when the digest is not the one asked for
   */
  async manifest(tagOrDigest: string, signal: AbortSignal): Promise<FetchedManifest> {
    const path = `${this.reference.path}/manifests/${tagOrDigest}`;
    const accept = [...MANIFEST_TYPES, DOCKER_SCHEMA1_SIGNED].join(', ');
    const { response, data } = await this.#read(path, { accept }, MANIFEST_MAX_BYTES, signal);
    const mediaType = manifestType(response, data);
    if (isSchema1Type(mediaType)) {
      throw invalid(
        `${familiarName(this.reference)}: image manifest version 2, schema 1 is not supported: ask its author for an OCI image`,
      );
    }
    if (isDigest(tagOrDigest)) {
      checkDigest(tagOrDigest, data, `manifest verification failed for digest ${tagOrDigest}`);
      return { mediaType, digest: tagOrDigest, data };
    }
    return { mediaType, digest: `sha256:${createHash('sha256').update(data).digest('hex')}`, data };
  }

  /** All tags, in the registry's order. */
  async tags(signal: AbortSignal): Promise<string[]> {
    const tags: string[] = [];
    let path: string | undefined = `${this.reference.path}/tags/list`;
    for (let page = 0; path !== undefined && page < MAX_TAG_PAGES; page++) {
      const { response, data } = await this.#read(
        path,
        { accept: 'application/json' },
        TAGS_MAX_BYTES,
        signal,
      );
      const answer = JSON.parse(data.toString()) as { tags?: string[] | null };
      tags.push(...(answer.tags ?? []));
      path = nextPage(response.headers.link, this.reference.path);
    }
    return tags;
  }

  /**
   * The bytes of a blob from `offset` on. When the connection breaks, it goes on where that was. The length is checked; the
   * digest cannot be, as the beginning may not be ours: the content store does that.
   */
  async *blob(descriptor: Descriptor, options: BlobOptions): AsyncGenerator<Buffer> {
    const { signal } = options;
    const { digest, size } = descriptor;
    let at = options.offset ?? 0;
    let failures = 0;
    while (at < size) {
      const from = at;
      try {
        for await (const piece of this.#blobFrom(digest, at, signal)) {
          at += piece.length;
          if (at > size) throw invalid(`blob ${digest} has more than the ${size} bytes its descriptor says`);
          yield piece;
        }
        if (at >= size) return;
        throw new BridgeportError(
          'unavailable',
          `download ${digest}: unexpected EOF after ${at} of ${size} bytes`,
        );
      } catch (error) {
        signal.throwIfAborted();
        failures = at - from >= PROGRESS_BYTES ? 1 : failures + 1;
        if (failures >= this.#retry.attempts || !mayRetryBlob(error)) throw this.#failure(error, digest);
      }
      const delay = retryDelay(this.#retry, failures);
      this.#log.debug({ digest, at, delay }, 'download broken off; going on');
      options.onRetry?.(delay);
      await pause(delay, signal);
    }
  }

  /** The rest of a blob; a server that knows no ranges sends it whole, and the first part is dropped. */
  async *#blobFrom(digest: string, offset: number, signal: AbortSignal): AsyncGenerator<Buffer> {
    const headers: Record<string, string> = offset === 0 ? {} : { range: `bytes=${offset}-` };
    const response = await this.#firstOf((endpoint) =>
      endpoint.get(`${this.reference.path}/blobs/${digest}`, headers, signal),
    );
    let skip = response.status === 206 ? 0 : offset;
    if (response.status === 206) {
      const start = /^bytes (\d+)-/.exec(response.headers['content-range'] ?? '')?.[1];
      if (Number(start) !== offset) {
        response.body.destroy();
        throw invalid(
          `download ${digest}: asked for bytes from ${offset}, got "${response.headers['content-range'] ?? ''}"`,
        );
      }
    }
    for await (const piece of response.body as AsyncIterable<Buffer>) {
      if (skip >= piece.length) skip -= piece.length;
      else {
        yield skip === 0 ? piece : piece.subarray(skip);
        skip = 0;
      }
    }
  }

  async #read(
    path: string,
    headers: Record<string, string>,
    maxBytes: number,
    signal: AbortSignal,
  ): Promise<{ response: HttpResponse; data: Buffer }> {
    try {
      return await this.#firstOf((endpoint) =>
        retry(this.#retry, signal, mayRetry, async () => {
          const response = await endpoint.get(path, headers, signal);
          return { response, data: await readLimited(response, maxBytes, path) };
        }),
      );
    } catch (error) {
      signal.throwIfAborted();
      throw this.#failure(error, path);
    }
  }

  /** In Docker's words; what broke in the middle of an answer gets a name. */
  #failure(error: unknown, what: string): unknown {
    if (isKind(error)) return translate(error, this.reference);
    return new BridgeportError('unavailable', `download ${what}: ${messageOf(error)}`, { cause: error });
  }

  /**
   * Asks one endpoint after the other. A mirror's failure leads to the next, and so does an endpoint that nobody
   * answers at; anything else is the answer. The one that served is asked first from then on.
   */
  async #firstOf<T>(ask: (endpoint: EndpointClient) => Promise<T>): Promise<T> {
    let last: unknown;
    for (const endpoint of [...this.#endpoints]) {
      try {
        const result = await ask(endpoint);
        this.#endpoints.splice(this.#endpoints.indexOf(endpoint), 1);
        this.#endpoints.unshift(endpoint);
        return result;
      } catch (error) {
        last = error;
        if (!endpoint.endpoint.mirror && endpoint.answered) throw error;
        this.#log.debug(
          { endpoint: endpoint.endpoint.url.href, error },
          'registry endpoint failed; trying the next',
        );
      }
    }
    throw last;
  }
}

async function readLimited(response: HttpResponse, maxBytes: number, what: string): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of response.body as AsyncIterable<Buffer>) {
    length += piece.length;
    if (length > maxBytes) throw invalid(`${what}: the answer is larger than ${maxBytes} bytes`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

/** The type in the header, unless it is a general one: then the document's own word, or its shape. */
function manifestType(response: HttpResponse, data: Buffer): string {
  const header = (response.headers['content-type'] ?? '').split(';')[0]!.trim();
  if (MANIFEST_TYPES.includes(header) || isSchema1Type(header)) return header;
  try {
    const document = JSON.parse(data.toString()) as { mediaType?: unknown; schemaVersion?: unknown };
    if (document.schemaVersion === 1) return DOCKER_SCHEMA1_SIGNED;
    if (typeof document.mediaType === 'string') return document.mediaType;
  } catch {
    // Refused below by whoever wants a manifest.
  }
  return header;
}

/** @throws `invalid` with `message` */
function checkDigest(digest: string, data: Buffer, message: string): void {
  const [algorithm, hex] = digest.split(':') as [string, string];
  if (createHash(algorithm).update(data).digest('hex') !== hex) throw invalid(message);
}

/** `Link: </v2/x/tags/list?n=100&last=b>; rel="next"`: only the query is taken, so that a page cannot lead elsewhere. */
function nextPage(link: string | string[] | undefined, repository: string): string | undefined {
  const text = Array.isArray(link) ? link.join(',') : (link ?? '');
  const target = /<([^>]*)>\s*;\s*rel="?next"?/.exec(text)?.[1];
  const query = target === undefined ? undefined : target.split('?')[1];
  return query === undefined ? undefined : `${repository}/tags/list?${query}`;
}

function isServerError(error: unknown): boolean {
  return error instanceof RegistryResponseError && [500, 502, 503, 504].includes(error.status);
}

const mayRetry = (error: unknown) => isTransient(error) || isServerError(error);

/** Once a download runs, even a refused connection may be a registry that restarts. */
const mayRetryBlob = (error: unknown) =>
  mayRetry(error) || (isKind(error, 'unavailable') && !(error instanceof RegistryResponseError));
