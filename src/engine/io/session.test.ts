import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { parseDetachKeys } from './detach-keys.ts';
import { OutputHub } from './hub.ts';
import type { ProcessIo } from './process-io.ts';
import { openSession, type SessionOptions, type SessionStreams } from './session.ts';

interface Stage {
  hub: OutputHub;
  /** What the process has been given to read. */
  input: PassThrough;
  events: string[];
  io: PromiseWithResolvers<ProcessIo>;
  options: SessionOptions;
}

function stage(more: Partial<SessionOptions> = {}): Stage {
  const hub = new OutputHub();
  const input = new PassThrough();
  const events: string[] = [];
  const io = Promise.withResolvers<ProcessIo>();
  const options: SessionOptions = {
    tty: false,
    hub,
    io: io.promise,
    detachKeys: undefined,
    replay: undefined,
    stream: true,
    closeStdin: async () => {
      events.push('stdin closed');
    },
    onDetach: () => events.push('detached'),
    ...more,
  };
  return { hub, input, events, io, options };
}

/** The process begins to run. */
function run({ io, input }: Stage): void {
  io.resolve({ stdin: input } as unknown as ProcessIo);
}

function client(): {
  streams: SessionStreams;
  gone: AbortController;
  stdin: PassThrough;
  out(): string;
  err(): string;
} {
  const gone = new AbortController();
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  const said = { out: '', err: '' };
  stdout.on('data', (chunk) => {
    said.out += chunk;
  });
  stderr.on('data', (chunk) => {
    said.err += chunk;
  });
  return {
    streams: { stdin, stdout, stderr, signal: gone.signal },
    gone,
    stdin,
    out: () => said.out,
    err: () => said.err,
  };
}

async function turns(count = 10): Promise<void> {
  for (let index = 0; index < count; index++) await turn();
}

test('what is said between the request and `run()` is not lost, and comes before what follows', async () => {
  const at = stage();
  const session = openSession(at.options);
  const chunk = Buffer.from('early ');
  at.hub.write('stdout', chunk);
  chunk.fill('x');
  at.hub.write('stderr', Buffer.from('error '));
  const { streams, out, err } = client();
  const running = session.run(streams);
  await turns();
  at.hub.write('stdout', Buffer.from('late'));
  at.hub.end();
  await running;
  await turns();
  assert.equal(out(), 'early late');
  assert.equal(err(), 'error ');
  assert.equal(at.hub.hasSinks, false);
});

test('the replay comes first, and alone when no stream was asked for', async () => {
  for (const stream of [true, false]) {
    const at = stage({
      stream,
      replay: async (streams) => {
        await turn();
        streams.stdout?.write('history ');
      },
    });
    const session = openSession(at.options);
    at.hub.write('stdout', Buffer.from('now'));
    const { streams, out } = client();
    const running = session.run(streams);
    await turns();
    at.hub.end();
    await running;
    await turns();
    assert.equal(out(), stream ? 'history now' : 'history ');
  }
});

test('what is typed before the process runs waits for it', async () => {
  const at = stage();
  const { streams, stdin } = client();
  const running = openSession(at.options).run(streams);
  stdin.write('hello ');
  await turns();
  assert.equal(at.input.readableLength, 0);
  run(at);
  stdin.write('world');
  await turns();
  at.input.end();
  assert.equal(await text(at.input), 'hello world');
  at.hub.end();
  await running;
});

test("a client's end of input closes the process's when that was asked for", async () => {
  const at = stage();
  run(at);
  const { streams, stdin } = client();
  const running = openSession(at.options).run(streams);
  stdin.end('last words');
  await turns();
  assert.deepEqual(at.events, ['stdin closed']);
  assert.equal(String(at.input.read()), 'last words');
  // Output still comes: only the input has ended.
  at.hub.end();
  await running;

  const open = stage({ closeStdin: undefined });
  run(open);
  const other = client();
  const going = openSession(open.options).run(other.streams);
  other.stdin.end();
  await turns();
  open.hub.end();
  await going;
  assert.deepEqual(open.events, []);
});

test("a client that goes away closes the process's input too", async () => {
  const at = stage();
  run(at);
  const { streams, gone } = client();
  const running = openSession(at.options).run(streams);
  await turns();
  gone.abort();
  await running;
  await turns();
  assert.deepEqual(at.events, ['stdin closed']);
  assert.equal(at.hub.hasSinks, false);
});

test('a client that only listened leaves the input alone', async () => {
  const at = stage();
  run(at);
  const { streams, gone } = client();
  const running = openSession(at.options).run({ ...streams, stdin: undefined });
  gone.abort();
  await running;
  await turns();
  assert.deepEqual(at.events, []);
});

test('the detach keys end the session, not the process, and are not handed on', async () => {
  const at = stage({ tty: true, detachKeys: parseDetachKeys('ctrl-p,ctrl-q'), closeStdin: undefined });
  run(at);
  const { streams, stdin } = client();
  const running = openSession(at.options).run(streams);
  stdin.write('ls\r\x10');
  await turns();
  stdin.write('\x11ignored');
  await running;
  await turns();
  assert.deepEqual(at.events, ['detached']);
  assert.equal(String(at.input.read()), 'ls\r');
  assert.equal(at.hub.hasSinks, false);
});

test('a process that does not read makes the client wait', async () => {
  const at = stage();
  at.input = new PassThrough({ highWaterMark: 10 });
  run(at);
  const { streams, stdin } = client();
  const running = openSession(at.options).run(streams);
  stdin.write('x'.repeat(100));
  await turns();
  stdin.write('second');
  await turns();
  assert.equal(stdin.isPaused(), true);
  assert.equal(at.input.read()?.length, 100);
  await turns();
  assert.equal(String(at.input.read()), 'second');
  at.hub.end();
  await running;
});
