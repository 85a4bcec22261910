import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { BridgeportError, isKind } from '../../base/errors.ts';
import type { ContainerInspect, ContainerSummary, NetworkInspect } from '../api/types.ts';
import { DaemonError } from '../client/errors.ts';
import type { CliContext } from '../context.ts';
import { observableSocket, startObserver } from './observer.ts';

/** Query parameters of an observation. */
export type ObserveQuery = Readonly<Record<string, string>>;

/**
 * What `GET /bridgeport/…` answers. Where the daemon does not have that (a Docker Engine), the observer of this machine
 * answers: it reads the kernel here, and what the Docker API tells.
 *
 * Throws `DaemonError` for what was refused, `not-implemented` when there is nobody who could look, or who looks elsewhere.
 */
export async function observe<T>(context: CliContext, path: string, query: ObserveQuery): Promise<T> {
  try {
    return await context.client.json<T>('GET', path, { versioned: false, query });
  } catch (error) {
    if (!isAbsent(error)) throw error;
  }
  return askObserver<T>(context, path, query);
}

/** As `observe()`, of a text. */
export async function observeText(context: CliContext, path: string): Promise<string> {
  try {
    return await text(await context.client.request('GET', path, { versioned: false }));
  } catch (error) {
    if (!isAbsent(error)) throw error;
  }
  return askObserver<string>(context, path, {});
}

/**
 * As `observe()`, of what comes as a stream. Aborting `signal` ends it.
 *
 * Throws as `observe()` does, before anything has come.
 */
export async function observeStream(
  context: CliContext,
  path: string,
  query: Readonly<Record<string, string | undefined>>,
  signal?: AbortSignal,
): Promise<Readable> {
  try {
    return await context.client.request('GET', path, { versioned: false, query, ...(signal && { signal }) });
  } catch (error) {
    if (!isAbsent(error)) throw error;
  }
  observableSocket(context);
  const given = Object.entries(query).filter(([, value]) => value !== undefined);
  const docker = await askDocker(context);
  const child = startObserver('main');
  child.stdin.end(JSON.stringify({ path, query: Object.fromEntries(given), docker }));
  const stop = () => child.kill('SIGTERM');
  signal?.addEventListener('abort', stop, { once: true });
  if (signal?.aborted) stop();
  return afterStatus(child.stdout);
}

/** Reads the first line, which says whether a stream follows; without a line end, it is the whole answer, a refusal. */
async function afterStatus(output: Readable): Promise<Readable> {
  let head = Buffer.alloc(0);
  const chunks = output[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  for (;;) {
    const { value, done } = await chunks.next();
    if (done) break;
    head = Buffer.concat([head, value]);
    const end = head.indexOf('\n');
    if (end < 0) continue;
    const rest = head.subarray(end + 1);
    return Readable.from(
      (async function* () {
        if (rest.length > 0) yield rest;
        yield* { [Symbol.asyncIterator]: () => chunks };
      })(),
      { objectMode: false },
    );
  }
  if (head.length === 0) throw new Error('the observer ended without an answer');
  const { status, body } = JSON.parse(head.toString()) as { status: number; body: unknown };
  throw refusal(status, body);
}

/** What cannot be looked at from here is no answer of the daemon's. */
function refusal(status: number, body: unknown): BridgeportError {
  const refused = DaemonError.fromBody(status, JSON.stringify(body));
  if (status !== 501) return refused;
  return new BridgeportError('not-implemented', (body as { message: string }).message);
}

/** The whole path is unknown there; a name that nobody has is another matter. */
function isAbsent(error: unknown): boolean {
  return (
    isKind(error, 'not-found', 'not-implemented') && /page not found|not implemented/i.test(String(error))
  );
}

async function askObserver<T>(context: CliContext, path: string, query: ObserveQuery): Promise<T> {
  observableSocket(context);
  const docker = await askDocker(context);
  const { status, body } = await runObserver({ path, query, docker });
  if (status >= 400) throw refusal(status, body);
  return body as T;
}

/** What a Docker Engine tells of its containers and networks. */
export async function askDocker({ client }: CliContext) {
  const [summaries, networks] = await Promise.all([
    client.json<ContainerSummary[]>('GET', '/containers/json', { query: { all: true } }),
    client.json<NetworkInspect[]>('GET', '/networks'),
  ]);
  const containers = await Promise.all(
    summaries.map(({ Id }) =>
      client.json<ContainerInspect>('GET', `/containers/${Id}/json`).catch((error: unknown) => {
        // Gone since the list was made.
        if (isKind(error, 'not-found')) return undefined;
        throw error;
      }),
    ),
  );
  return { containers: containers.filter((container) => container !== undefined), networks };
}

async function runObserver(request: unknown): Promise<{ status: number; body: unknown }> {
  const child = startObserver('main');
  child.stdin.end(JSON.stringify(request));
  const output = await text(child.stdout);
  if (output === '') throw new Error('the observer ended without an answer');
  return JSON.parse(output) as { status: number; body: unknown };
}
