/** What comes out of a container while it runs: attach, logs, stats and the wait for its end. */

import { invalid, messageOf } from '../../base/errors.ts';
import type { LogRecord, WaitCondition } from '../backend.ts';
import type { PlainCall, SessionCall, SessionPlan } from '../call.ts';
import { LogWriter } from '../log-writer.ts';
import { sendJson, startStream, write } from '../reply.ts';
import { get, lasting, post } from '../route.ts';
import type { Route } from '../router.ts';

async function attach({ backend, params, query }: SessionCall): Promise<SessionPlan> {
  const wanted = { stdin: query.flag('stdin'), stdout: query.flag('stdout'), stderr: query.flag('stderr') };
  const session = await backend.containers.attach(params.name!, {
    ...wanted,
    logs: query.flag('logs'),
    stream: query.flag('stream'),
    detachKeys: query.optional('detachKeys'),
  });
  return { session, ...wanted };
}

async function logs(call: PlainCall): Promise<void> {
  const { backend, params, query, response, signal, version } = call;
  const stdout = query.flag('stdout');
  const stderr = query.flag('stderr');
  if (!stdout && !stderr)
    throw invalid("Bad parameters: you must choose at least one stream ('stdout' or 'stderr')");
  const { tty, records } = await backend.containers.logs(params.name!, {
    stdout,
    stderr,
    follow: query.flag('follow'),
    since: query.timestamp('since') ?? 0,
    until: query.timestamp('until') ?? 0,
    tail: tailOf(query.text('tail')),
    signal,
  });
  const type = !tty && version >= 42 ? 'multiplexed-stream' : 'raw-stream';
  startStream(response, `application/vnd.docker.${type}`);
  await sendRecords(
    call,
    new LogWriter(response, { tty, timestamps: query.flag('timestamps'), details: query.flag('details') }),
    records,
  );
  response.end();
}

async function sendRecords(
  { log, params, signal }: PlainCall,
  writer: LogWriter,
  records: AsyncIterable<LogRecord>,
): Promise<void> {
  try {
    for await (const record of records) {
      const written = writer.write(record);
      if (written !== undefined) await written;
      if (signal.aborted) break;
    }
  } catch (error) {
    if (signal.aborted) return;
    log.error({ err: error, container: params.name }, 'reading logs failed');
    writer.fail(messageOf(error));
  } finally {
    await writer.flush();
  }
}

/** A number of lines; everything else means all, as `all` does (Docker does not complain either). */
function tailOf(text: string): number | null {
  return /^\d+$/.test(text) ? Number(text) : null;
}

async function stats({ backend, params, query, response, signal, version }: PlainCall): Promise<void> {
  const stream = query.flag('stream', true);
  const oneShot = version >= 41 && query.flag('one-shot');
  const samples = await backend.containers.stats(params.name!, { stream, oneShot, signal });
  if (stream) startStream(response, 'application/json');
  for await (const sample of samples) {
    if (!stream) {
      sendJson(response, 200, sample);
      return;
    }
    await write(response, `${JSON.stringify(sample)}\n`);
    if (signal.aborted) break;
  }
  response.end();
}

const CONDITIONS: WaitCondition[] = ['not-running', 'next-exit', 'removed'];

async function wait({ backend, params, query, response, signal, version }: PlainCall): Promise<void> {
  // conditions came with 1.30, as did headers that are sent before the container has ended
  const text = version < 30 ? '' : query.text('condition');
  const condition = text === '' ? 'not-running' : CONDITIONS.find((known) => known === text);
  if (condition === undefined) throw invalid(`invalid condition: ${JSON.stringify(text)}`);
  const { result } = await backend.containers.wait(params.name!, condition, signal);
  if (version >= 30) startStream(response, 'application/json');
  else response.setHeader('Content-Type', 'application/json');
  const outcome = await Promise.race([
    result.catch((error: unknown) => ({ StatusCode: 0, Error: { Message: messageOf(error) } })),
    aborted(signal),
  ]);
  // a daemon that stops knows no exit code: the client has to see that the answer is missing
  if (outcome === undefined) response.destroy();
  else response.end(`${JSON.stringify({ StatusCode: outcome.StatusCode, Error: outcome.Error ?? null })}\n`);
}

function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
}

export const outputRoutes: Route[] = [
  { kind: 'session', method: 'POST', path: '/containers/{name}/attach', open: attach },
  lasting(get('/containers/{name}/logs', logs)),
  lasting(get('/containers/{name}/stats', stats)),
  lasting(post('/containers/{name}/wait', wait)),
];
