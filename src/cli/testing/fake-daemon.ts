import { mkdtempSync, rmSync } from 'node:fs';
import * as http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import { runCli } from '../cli.ts';

/** A request that the fake daemon was sent. */
export interface Seen {
  method: string;
  /** Path and query, without the version. */
  url: string;
  body: unknown;
}

/** What the fake daemon answers: a status and JSON (or text), by `METHOD /path` without version and query. */
export type Answers = Record<string, { status?: number; body?: unknown }>;

/** The outcome of one command line. */
export interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
  requests: Seen[];
}

/** Runs one command line against a daemon that knows only `answers` (everything else is a 404). */
export async function runAgainst(answers: Answers, argv: string[], input = ''): Promise<Outcome> {
  const directory = mkdtempSync(join(tmpdir(), 'bridgeport-cli-fake-'));
  const socketPath = join(directory, 'api.sock');
  const requests: Seen[] = [];
  const server = http.createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString();
      const url = (request.url ?? '').replace(/^\/v1\.\d+/, '');
      response.setHeader('Api-Version', '1.51');
      if (url === '/_ping') return response.end('OK');
      requests.push({
        method: request.method ?? '',
        url,
        body: text.startsWith('{') ? JSON.parse(text) : text,
      });
      const key = `${request.method} ${url.split('?')[0]}`;
      const answer = answers[key] ?? { status: 404, body: { message: `no answer for ${key}` } };
      response.statusCode = answer.status ?? 200;
      const body = answer.body ?? '';
      return response.end(typeof body === 'string' ? body : JSON.stringify(body));
    });
  });
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  try {
    const [stdout, stderr] = [collector(), collector()];
    const stdin = new PassThrough();
    stdin.end(input);
    const io = { stdin, stdout: stdout.stream, stderr: stderr.stream };
    const code = await runCli(argv, io, {
      BRIDGEPORT_HOST: `unix://${socketPath}`,
      DOCKER_CONFIG: directory,
    });
    return { code, stdout: stdout.text(), stderr: stderr.text(), requests };
  } finally {
    server.closeAllConnections();
    server.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

function collector() {
  const chunks: Buffer[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk);
      done();
    },
  });
  return { stream, text: () => Buffer.concat(chunks).toString() };
}
