/** The program behind `shortConnections()`: options as JSON in its argument, the result as JSON on standard output. */

import { connect } from 'node:net';
import type { LoadOptions, LoadResult } from './load.ts';

/** A whole answer is expected to be in the first segment: pages are short. */
const REQUEST = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';

/** Milliseconds that a connection may take. */
const PATIENCE = 10_000;

const SOURCES = Array.from({ length: 50 }, (_, index) => `127.0.1.${1 + index}`);

const options = JSON.parse(process.argv[2] ?? '') as LoadOptions;
const { port, host = '127.0.0.1', sources = SOURCES, concurrency } = options;
const { count = Number.POSITIVE_INFINITY, seconds = Number.POSITIVE_INFINITY } = options;
const result: LoadResult = { made: 0, failed: {}, seconds: 0 };
const from = performance.now();
const until = from + seconds * 1000;
let started = 0;

function once(number: number): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, localAddress: sources[number % sources.length] });
    let outcome = 'closed without an answer';
    socket.setTimeout(PATIENCE, () => socket.destroy(new Error('no answer in time')));
    socket.on('connect', () => socket.write(REQUEST));
    socket.on('data', (chunk) => {
      outcome =
        chunk.toString('latin1', 0, 12) === 'HTTP/1.1 200'
          ? ''
          : `answered ${chunk.toString('latin1', 0, 40)}`;
      socket.destroy(); // an ordinary close: nothing is left to be read
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      outcome = error.code ?? error.message;
    });
    socket.on('close', () => {
      if (outcome === '') result.made++;
      else result.failed[outcome] = (result.failed[outcome] ?? 0) + 1;
      resolve();
    });
  });
}

async function worker(): Promise<void> {
  while (started < count && performance.now() < until) await once(started++);
}

await Promise.all(Array.from({ length: concurrency }, worker));
result.seconds = (performance.now() - from) / 1000;
process.stdout.write(JSON.stringify(result));
