/** containerd.services.content.v1: blobs by digest, and the ingests that write them. */

import { setTimeout as sleep } from 'node:timers/promises';
import { invalid } from '../../base/errors.ts';
import type {
  CallOptions,
  Content,
  ContentInfo,
  ContentSource,
  ContentWrite,
  IngestStatus,
  Labels,
} from './api.ts';
import { type Caller, type Duplex, service } from './caller.ts';
import {
  bytes,
  empty,
  field,
  fieldMask,
  int,
  message,
  type Of,
  repeated,
  string,
  stringMap,
  sub,
  subs,
  timestamp,
} from './protobuf.ts';
import { isStatus } from './status.ts';
import { labelPaths, toDate } from './types.ts';

const info = message({
  digest: field(1, string),
  size: field(2, int),
  createdAt: field(3, timestamp),
  updatedAt: field(4, timestamp),
  labels: stringMap(5),
});

const status = message({
  startedAt: field(1, timestamp),
  updatedAt: field(2, timestamp),
  ref: field(3, string),
  offset: field(4, int),
  total: field(5, int),
  expected: field(6, string),
});

/** enum WriteAction { STAT = 0; WRITE = 1; COMMIT = 2; } */
const STAT = 0;
const WRITE = 1;
const COMMIT = 2;

const writeRequest = message({
  action: field(1, int),
  ref: field(2, string),
  total: field(3, int),
  expected: field(4, string),
  offset: field(5, int),
  data: field(6, bytes),
  labels: stringMap(7),
});

const writeResponse = message({
  action: field(1, int),
  offset: field(4, int),
  total: field(5, int),
  digest: field(6, string),
});

const digestRequest = message({ digest: field(1, string) });
const refRequest = message({ ref: field(1, string) });

const method = service('containerd.services.content.v1.Content');
const Info = method('Info', digestRequest, message({ info: sub(1, info) }));
const Update = method(
  'Update',
  message({ info: sub(1, info), updateMask: sub(2, fieldMask) }),
  message({ info: sub(1, info) }),
);
const List = method('List', message({ filters: repeated(1, string) }), message({ info: subs(1, info) }));
const Delete = method('Delete', digestRequest, empty);
const Read = method(
  'Read',
  message({ digest: field(1, string), offset: field(2, int), size: field(3, int) }),
  message({ offset: field(1, int), data: field(2, bytes) }),
);
const Status = method('Status', refRequest, message({ status: sub(1, status) }));
const ListStatuses = method(
  'ListStatuses',
  message({ filters: repeated(1, string) }),
  message({ statuses: subs(1, status) }),
);
const Write = method('Write', writeRequest, writeResponse);
const Abort = method('Abort', refRequest, empty);

/** Bytes per write message. containerd takes at most 16 MiB; more than 1 MiB gains nothing. */
const CHUNK = 1 << 20;

/** How long a write waits for another writer of the same ref, milliseconds: one that was cancelled lets go soon. */
const LOCK_PATIENCE = 2_000;

/** What the server compares at the end; a mismatch is FAILED_PRECONDITION with one of these texts. */
const MISMATCH = /unexpected commit (size|digest)|failed size validation/;

export class ContentService implements Content {
  readonly #caller: Caller;

  constructor(caller: Caller) {
    this.#caller = caller;
  }

  async info(digest: string, options?: CallOptions): Promise<ContentInfo> {
    const answer = await this.#caller.call(Info, `look up content ${digest}`, { digest }, options);
    return toInfo(answer.info!);
  }

  async list(filters: string[] = [], options?: CallOptions): Promise<ContentInfo[]> {
    const found: ContentInfo[] = [];
    for await (const part of this.#caller.stream(List, 'list content', { filters }, options))
      found.push(...part.info.map(toInfo));
    return found;
  }

  async *read(
    digest: string,
    options: CallOptions & { offset?: number; size?: number } = {},
  ): AsyncGenerator<Buffer> {
    const { offset = 0, size = 0 } = options;
    // containerd takes size 0 for "to the end".
    if (options.size === 0) return;
    for await (const part of this.#caller.stream(
      Read,
      `read content ${digest}`,
      { digest, offset, size },
      options,
    ))
      yield part.data as Buffer;
  }

  async readAll(digest: string, options?: CallOptions): Promise<Buffer> {
    return collect(this.read(digest, options));
  }

  async readAt(digest: string, offset: number, size: number, options: CallOptions = {}): Promise<Buffer> {
    return collect(this.read(digest, { ...options, offset, size }));
  }

  async write(write: ContentWrite): Promise<{ digest: string; size: number }> {
    const action = `write content ${write.digest ?? `"${write.ref}"`}`;
    try {
      return await this.#write(write, action);
    } catch (error) {
      if (isStatus(error, 'ALREADY_EXISTS')) return this.#existing(write, error.detail);
      if (isStatus(error, 'FAILED_PRECONDITION') && MISMATCH.test(error.detail)) {
        await this.abort(write.ref).catch(() => {});
        throw invalid(error.message, { cause: error });
      }
      throw error;
    }
  }

  async #write(write: ContentWrite, action: string): Promise<{ digest: string; size: number }> {
    const { call, offset } = await this.#begin(write, action);
    try {
      let at = offset;
      const source =
        typeof write.source === 'function' ? await write.source(offset) : skip(write.source, offset);
      for await (const data of chunks(source)) {
        call.send({ action: WRITE, ref: write.ref, offset: at, data });
        const answer = await call.receive();
        at = answer?.offset ?? at;
      }
      call.send({
        action: COMMIT,
        ref: write.ref,
        offset: at,
        total: write.size ?? at,
        expected: write.digest ?? '',
        labels: write.labels ?? {},
      });
      const answer = await call.receive();
      while ((await call.receive()) !== undefined);
      return { digest: answer!.digest, size: at };
    } finally {
      call.cancel();
    }
  }

  /** Opens the ingest and learns how much of it is there. */
  async #begin(write: ContentWrite, action: string): Promise<{ call: WriteCall; offset: number }> {
    const until = performance.now() + LOCK_PATIENCE;
    for (let pause = 5; ; pause *= 2) {
      const call = await this.#caller.duplex(Write, action, write);
      try {
        call.send({
          action: STAT,
          ref: write.ref,
          total: write.size ?? 0,
          expected: write.digest ?? '',
        });
        const answer = await call.receive();
        return { call, offset: answer?.offset ?? 0 };
      } catch (error) {
        call.cancel();
        const locked = isStatus(error, 'UNAVAILABLE') && / locked/.test(error.detail);
        if (!locked || performance.now() > until) throw error;
        await sleep(pause, undefined, { signal: write.signal });
      }
    }
  }

  /** The blob was there before us: its labels still have to be as asked, or the collector would not know of our references. */
  async #existing(write: ContentWrite, detail: string): Promise<{ digest: string; size: number }> {
    const digest = write.digest ?? /sha256:[0-9a-f]{64}/.exec(detail)![0];
    await this.abort(write.ref).catch(() => {});
    if (write.labels && Object.keys(write.labels).length > 0)
      await this.updateLabels(digest, write.labels, write);
    return { digest, size: write.size ?? (await this.info(digest, write)).size };
  }

  async delete(digest: string, options?: CallOptions): Promise<void> {
    await this.#caller.call(Delete, `delete content ${digest}`, { digest }, options);
  }

  async updateLabels(digest: string, labels: Labels, options?: CallOptions): Promise<ContentInfo> {
    const request = { info: { digest, labels }, updateMask: { paths: labelPaths(labels) } };
    const answer = await this.#caller.call(Update, `label content ${digest}`, request, options);
    return toInfo(answer.info!);
  }

  async status(ref: string, options?: CallOptions): Promise<IngestStatus> {
    const answer = await this.#caller.call(Status, `look up ingest "${ref}"`, { ref }, options);
    return toStatus(answer.status!);
  }

  async ingests(options?: CallOptions): Promise<IngestStatus[]> {
    const answer = await this.#caller.call(ListStatuses, 'list ingests', {}, options);
    return answer.statuses.map(toStatus);
  }

  async abort(ref: string, options?: CallOptions): Promise<void> {
    await this.#caller.call(Abort, `abort ingest "${ref}"`, { ref }, options);
  }
}

type WriteCall = Duplex<Partial<Of<typeof writeRequest>>, Of<typeof writeResponse>>;

const toInfo = (found: Of<typeof info>): ContentInfo => ({
  ...found,
  createdAt: toDate(found.createdAt),
  updatedAt: toDate(found.updatedAt),
});

const toStatus = (found: Of<typeof status>): IngestStatus => ({
  ...found,
  startedAt: toDate(found.startedAt),
  updatedAt: toDate(found.updatedAt),
});

async function collect(source: AsyncIterable<Buffer>): Promise<Buffer> {
  const found: Buffer[] = [];
  for await (const part of source) found.push(part);
  return Buffer.concat(found);
}

/** The source without its first `offset` bytes. */
async function* skip(source: ContentSource, offset: number): AsyncGenerator<Uint8Array> {
  let left = offset;
  for await (const part of parts(source)) {
    if (part.length > left) yield part.subarray(left);
    left = Math.max(0, left - part.length);
  }
  if (left > 0)
    throw invalid(`write content: the source is ${left} bytes shorter than what was written before`);
}

const parts = (source: ContentSource) => (source instanceof Uint8Array ? [source] : source);

/** Small parts together, big ones cut, so that a write is one round trip per MiB. */
async function* chunks(source: ContentSource): AsyncGenerator<Uint8Array> {
  let held: Uint8Array[] = [];
  let size = 0;
  for await (const part of parts(source)) {
    for (let at = 0; at < part.length; ) {
      const piece = part.subarray(at, at + CHUNK - size);
      held.push(piece);
      size += piece.length;
      at += piece.length;
      if (size < CHUNK) continue;
      yield held.length === 1 ? held[0]! : Buffer.concat(held);
      held = [];
      size = 0;
    }
  }
  if (size > 0) yield Buffer.concat(held);
}
