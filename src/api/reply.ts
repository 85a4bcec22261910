/** Ways to answer an ordinary request: JSON, nothing, JSON lines as they come, or a byte stream. */

import type { ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { messageOf } from '../base/errors.ts';
import type { ProgressMessage } from '../base/wire/index.ts';
import type { Progress } from './backend.ts';
import { jsonReply, type PlainReply } from './status.ts';

export function send(response: ServerResponse, reply: PlainReply): void {
  response.statusCode = reply.status;
  if (reply.contentType !== undefined) response.setHeader('Content-Type', reply.contentType);
  if (reply.body !== undefined) response.setHeader('Content-Length', Buffer.byteLength(reply.body));
  response.end(reply.body);
}

export function sendJson(response: ServerResponse, status: number, value: unknown): void {
  send(response, jsonReply(status, value));
}

export function sendEmpty(response: ServerResponse, status: number): void {
  response.statusCode = status;
  if (status !== 204 && status !== 304) response.setHeader('Content-Length', 0);
  response.end();
}

/** Sends the headers now: clients of `events`, `wait` and `logs -f` read them as "registered". */
export function startStream(response: ServerResponse, contentType: string): void {
  response.statusCode = 200;
  response.setHeader('Content-Type', contentType);
  response.flushHeaders();
}

/** Writes and waits while the client is slower than we are. Resolves also when the client has gone. */
export async function write(response: ServerResponse, data: string | Buffer): Promise<void> {
  if (response.destroyed || response.write(data)) return;
  await drained(response);
}

/** Resolves when what was written is on its way, or the client has gone. */
async function drained(response: ServerResponse): Promise<void> {
  if (response.destroyed || !response.writableNeedDrain) return;
  await new Promise<void>((resolve) => {
    const done = () => {
      response.off('drain', done).off('close', done);
      resolve();
    };
    response.on('drain', done).on('close', done);
  });
}

/** Sends a stream to its end. When the source fails half-way the connection is cut, so that the client sees it. */
export async function sendStream(
  response: ServerResponse,
  contentType: string,
  source: Readable,
): Promise<void> {
  response.statusCode = 200;
  response.setHeader('Content-Type', contentType);
  await pipeline(source, response);
}

/** Beyond this many unsent bytes, progress bars are left out; what was done is still told. */
const PROGRESS_BACKLOG = 1024 * 1024;

/**
 * Runs `work` and sends what it reports as JSON lines. The status line waits for the first message, so that an error
 * before it is an ordinary error; a later one becomes the last line. Work that could report without end waits for `room()` now and then.
 */
export async function sendProgress(
  response: ServerResponse,
  work: (progress: Progress, room: () => Promise<void>) => Promise<void>,
): Promise<void> {
  const line = (message: ProgressMessage) => {
    if (!response.headersSent) startStream(response, 'application/json');
    response.write(`${JSON.stringify(message)}\r\n`);
  };
  try {
    await work(
      (message) => {
        if (response.destroyed || response.writableEnded) return;
        if (message.progressDetail?.current !== undefined && response.writableLength > PROGRESS_BACKLOG)
          return;
        line(message);
      },
      () => drained(response),
    );
  } catch (error) {
    if (!response.headersSent) throw error;
    const message = messageOf(error);
    line({ errorDetail: { message }, error: message });
  }
  if (!response.headersSent) startStream(response, 'application/json');
  response.end();
}
