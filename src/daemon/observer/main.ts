/**
 * The observer: what a daemon answers below `/bridgeport/`, for an engine that does not have it. The command line asks a Docker Engine
 * for its containers and networks, and starts this program with them on standard input; it reads the kernel of the machine it runs on
 * and writes the answer to standard output. It needs root, as a daemon does.
 *
 * ```
 * { "path": "/bridgeport/why", "query": { "from": "a", "to": "b" }, "docker": { "containers": […], "networks": […] } }
 * { "status": 200, "body": … }
 * ```
 *
 * A stream (`flows`, `capture`) is a line `{"status":200}` and what follows it, until SIGTERM.
 */

import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { type ErrorKind, isKind, messageOf, notFound } from '../../base/errors.ts';
import { warmThreadPool } from '../../kernel/netns/index.ts';
import { ANSWERS, type ObserverQuery, STREAMS } from './answers.ts';
import { recordsHere } from './here.ts';
import type { DockerAnswers } from './records.ts';

interface Request {
  path: string;
  query: ObserverQuery;
  docker: DockerAnswers;
}

const STATUS: Partial<Record<ErrorKind, number>> = { 'not-found': 404, invalid: 400, 'not-implemented': 501 };
const statusOf = (error: unknown) => (isKind(error) && STATUS[error.kind]) || 500;

async function main(): Promise<void> {
  await warmThreadPool();
  const { path, query, docker } = JSON.parse(await text(process.stdin)) as Request;
  const write = (status: number, body: unknown) => process.stdout.write(JSON.stringify({ status, body }));
  const stop = new AbortController();
  // Whoever asked has gone.
  process.stdout.once('error', () => stop.abort());
  try {
    const records = recordsHere(docker);
    const stream = STREAMS[path];
    if (stream !== undefined) {
      // Whoever asked has enough.
      process.once('SIGTERM', () => stop.abort());
      await send(stream(query, records, stop.signal));
      return;
    }
    const answer = ANSWERS[path];
    if (answer === undefined) throw notFound(`the observer does not answer ${path}`);
    write(200, await answer(query, records));
  } catch (error) {
    write(statusOf(error), { message: messageOf(error) });
  }
}

/** A line `{"status":200}`, then the stream as it is. What goes wrong before that is an ordinary answer. */
async function send(chunks: AsyncIterable<string | Buffer>): Promise<void> {
  const { stdout } = process;
  stdout.write('{"status":200}\n');
  for await (const chunk of chunks) {
    if (!stdout.write(chunk)) await once(stdout, 'drain');
  }
}

await main();
