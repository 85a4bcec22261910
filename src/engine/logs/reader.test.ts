import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { formatNanos, nowNanos } from '../../base/time.ts';
import { LogWriter } from './json-file.ts';
import { type LogQuery, type LogRecord, readLog } from './reader.ts';

const EVERYTHING: LogQuery = {
  stdout: true,
  stderr: true,
  follow: false,
  since: 0,
  until: 0,
  tail: null,
  signal: new AbortController().signal,
};

function file(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'bridgeport-log-'));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return join(path, 'c-json.log');
}

/** `seconds` after the epoch. */
function record(log: string, seconds: number, stream = 'stdout'): string {
  const time = formatNanos(BigInt(Math.round(seconds * 1000)) * 1_000_000n);
  return `${JSON.stringify({ log, stream, time })}\n`;
}

async function read(
  path: string,
  query: Partial<LogQuery> = {},
  writer?: LogWriter,
  texts: string[] = [],
): Promise<string[]> {
  for await (const { data } of readLog(path, { ...EVERYTHING, ...query }, writer)) texts.push(String(data));
  return texts;
}

const numbered = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => `line ${from + index}\n`);

test('everything, in order, with stream and time', async (t) => {
  const path = file(t);
  writeFileSync(path, record('out\n', 1.5) + record('err\n', 2, 'stderr'));
  const records: LogRecord[] = [];
  for await (const found of readLog(path, EVERYTHING, undefined)) records.push(found);
  assert.deepEqual(records, [
    { stream: 'stdout', time: '1970-01-01T00:00:01.500000000Z', data: Buffer.from('out\n') },
    { stream: 'stderr', time: '1970-01-01T00:00:02.000000000Z', data: Buffer.from('err\n') },
  ]);
});

test('a log that was never written is empty', async (t) => {
  assert.deepEqual(await read(file(t)), []);
  assert.deepEqual(await read(file(t), { tail: 5 }), []);
});

test('only the wanted streams', async (t) => {
  const path = file(t);
  writeFileSync(path, record('out\n', 1) + record('err\n', 2, 'stderr') + record('out 2\n', 3));
  assert.deepEqual(await read(path, { stderr: false }), ['out\n', 'out 2\n']);
  assert.deepEqual(await read(path, { stdout: false }), ['err\n']);
});

test('`since` and `until` include their own moment', async (t) => {
  const path = file(t);
  writeFileSync(path, [1, 2, 3, 4].map((second) => record(`${second}\n`, second)).join(''));
  assert.deepEqual(await read(path, { since: 2 }), ['2\n', '3\n', '4\n']);
  assert.deepEqual(await read(path, { until: 3 }), ['1\n', '2\n', '3\n']);
  assert.deepEqual(await read(path, { since: 1.5, until: 2.5 }), ['2\n']);
});

test('`since` the very time of a line, to the nanosecond, does not lose the line', async (t) => {
  const path = file(t);
  for (const nanos of [123_456_501n, 123_456_999n, 999_999_999n]) {
    const time = formatNanos(1_763_792_103n * 1_000_000_000n + nanos);
    writeFileSync(path, `${JSON.stringify({ log: 'x\n', stream: 'stdout', time })}\n`);
    const seconds = Number(`1763792103.${nanos}`);
    assert.deepEqual(await read(path, { since: seconds }), ['x\n'], time);
    assert.deepEqual(await read(path, { until: seconds }), ['x\n'], time);
  }
});

test('a line that is no record is left out', async (t) => {
  const path = file(t);
  writeFileSync(
    path,
    `${record('a\n', 1)}{"log":"cut off by a pow\n\u0000\u0000\n${record('b\n', 2)}{"log":`,
  );
  assert.deepEqual(await read(path), ['a\n', 'b\n']);
  assert.deepEqual(await read(path, { tail: 2 }), ['a\n', 'b\n']);
});

test('rotated files are read first, the oldest first', async (t) => {
  const path = file(t);
  writeFileSync(`${path}.2`, record('1\n', 1));
  writeFileSync(`${path}.1`, record('2\n', 2));
  writeFileSync(path, record('3\n', 3));
  assert.deepEqual(await read(path), ['1\n', '2\n', '3\n']);
});

test('`tail` counts lines from the end, over rotated files too', async (t) => {
  const path = file(t);
  const part = (from: number, to: number) =>
    numbered(from, to)
      .map((line, index) => record(line, from + index))
      .join('');
  writeFileSync(`${path}.2`, part(0, 10));
  writeFileSync(`${path}.1`, part(10, 20));
  writeFileSync(path, part(20, 25));
  for (const tail of [0, 1, 4, 5, 6, 14, 15, 16, 24, 25, 26, 1000]) {
    assert.deepEqual(await read(path, { tail }), numbered(Math.max(0, 25 - tail), 25), `tail ${tail}`);
  }
});

test('`tail` finds its place in a file of many blocks', async (t) => {
  const path = file(t);
  const count = 5000;
  writeFileSync(
    path,
    numbered(0, count)
      .map((line, index) => record(`${line.trimEnd()} ${'é'.repeat(index % 97)}\n`, index))
      .join(''),
  );
  const all = await read(path);
  for (const tail of [1, 700, 4000]) assert.deepEqual(await read(path, { tail }), all.slice(-tail));
});

test('`tail` counts only the wanted streams', async (t) => {
  const path = file(t);
  writeFileSync(
    path,
    record('out 1\n', 1) +
      record('out 2\n', 2) +
      [3, 4, 5].map((n) => record(`err ${n}\n`, n, 'stderr')).join(''),
  );
  assert.deepEqual(await read(path, { tail: 1, stderr: false }), ['out 2\n']);
  assert.deepEqual(await read(path, { tail: 4 }), ['out 2\n', 'err 3\n', 'err 4\n', 'err 5\n']);
});

test('`tail`: the pieces of a long line are one line, and a last line without newline is one too', async (t) => {
  const path = file(t);
  writeFileSync(path, ['one\n', 'tw', 'o\n', 'prompt '].map((text, n) => record(text, n)).join(''));
  assert.deepEqual(await read(path, { tail: 1 }), ['prompt ']);
  assert.deepEqual(await read(path, { tail: 2 }), ['tw', 'o\n', 'prompt ']);
  assert.deepEqual(await read(path, { tail: 3 }), ['one\n', 'tw', 'o\n', 'prompt ']);
});

test('`follow` gives what comes and ends with the writer', async (t) => {
  const path = file(t);
  const writer = new LogWriter(path, { maxSize: -1, maxFiles: 1 });
  writer.write('stdout', Buffer.from('before\n'));
  const reading = read(path, { follow: true }, writer);
  for (const text of ['a\n', 'b\n', 'c']) {
    await turn();
    await turn();
    writer.write('stdout', Buffer.from(text));
  }
  writer.close();
  assert.deepEqual(await reading, ['before\n', 'a\n', 'b\n', 'c']);
});

test('`follow` of a container that does not run ends at the end', async (t) => {
  const path = file(t);
  writeFileSync(path, record('a\n', 1));
  assert.deepEqual(await read(path, { follow: true }), ['a\n']);
});

test('`follow` with `tail` begins at the tail', async (t) => {
  const path = file(t);
  const writer = new LogWriter(path, { maxSize: -1, maxFiles: 1 });
  for (const line of numbered(0, 5)) writer.write('stdout', Buffer.from(line));
  const reading = read(path, { follow: true, tail: 2 }, writer);
  await turn();
  writer.write('stdout', Buffer.from('line 5\n'));
  writer.close();
  assert.deepEqual(await reading, numbered(3, 6));
  assert.deepEqual(await read(path, { tail: 0, follow: true }, writer), []);
});

test('`follow` loses nothing through rotations, one or several between two looks', async (t) => {
  for (const burst of [1, 7, 40]) {
    const path = file(t);
    // Ten lines to a file, and enough files for the longest burst.
    const writer = new LogWriter(path, { maxSize: 800, maxFiles: 9 });
    const seen: string[] = [];
    const reading = read(path, { follow: true }, writer, seen);
    const count = 400;
    for (let number = 0; number < count; number++) {
      writer.write('stdout', Buffer.from(`line ${number}\n`));
      // Between two bursts the follower catches up, as long as that may take on a busy machine.
      if (number % burst === burst - 1) while (seen.length <= number) await turn();
    }
    writer.close();
    assert.ok(writer.generation > 20, `${writer.generation} rotations`);
    assert.deepEqual(await reading, numbered(0, count), `bursts of ${burst}`);
  }
});

test('a rotation while the older files are read changes nothing of what is read', async (t) => {
  const path = file(t);
  const writer = new LogWriter(path, { maxSize: 800, maxFiles: 4 });
  for (const line of numbered(0, 35)) writer.write('stdout', Buffer.from(line));
  const texts: string[] = [];
  for await (const { data } of readLog(path, EVERYTHING, writer)) {
    texts.push(String(data));
    // The reader is in its first file: everything moves on by one.
    if (texts.length === 3) for (const line of numbered(35, 50)) writer.write('stdout', Buffer.from(line));
  }
  writer.close();
  assert.equal(texts[0], 'line 0\n');
  assert.deepEqual(texts, numbered(0, texts.length));
  assert.ok(texts.length >= 35);
});

test('`follow` ends when the client goes, and when `until` has passed', async (t) => {
  const path = file(t);
  const writer = new LogWriter(path, { maxSize: -1, maxFiles: 1 });
  t.after(() => writer.close());
  writer.write('stdout', Buffer.from('a\n'));
  const client = new AbortController();
  const seen: string[] = [];
  const reading = read(path, { follow: true, signal: client.signal }, writer, seen);
  while (seen.length === 0) await turn();
  client.abort();
  assert.deepEqual(await reading, ['a\n']);

  const until = Number(nowNanos() / 1_000_000n) / 1000 + 0.15;
  const ending = read(path, { follow: true, until }, writer);
  assert.deepEqual(await ending, ['a\n']);
  assert.ok(Date.now() / 1000 >= until);
});

test('a long follow leaves no listeners behind', async (t) => {
  const path = file(t);
  const writer = new LogWriter(path, { maxSize: -1, maxFiles: 1 });
  const { signal } = new AbortController();
  let listeners = 0;
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  t.mock.method(signal, 'addEventListener', (...args: Parameters<typeof add>) => {
    listeners++;
    add(...args);
  });
  t.mock.method(signal, 'removeEventListener', (...args: Parameters<typeof remove>) => {
    listeners--;
    remove(...args);
  });
  const reading = read(path, { follow: true, signal }, writer);
  for (let number = 0; number < 20; number++) {
    for (let turns = 0; turns < 5; turns++) await turn();
    writer.write('stdout', Buffer.from(`line ${number}\n`));
  }
  writer.close();
  assert.deepEqual(await reading, numbered(0, 20));
  assert.equal(listeners, 0);
});

test('all files are closed again, also when the reader stops early', async (t) => {
  const path = file(t);
  writeFileSync(`${path}.1`, record('1\n', 1));
  writeFileSync(path, record('2\n', 2));
  const open = () => readdirSync('/proc/self/fd').length;
  const before = open();
  for await (const _ of readLog(path, EVERYTHING, undefined)) break;
  assert.equal(open(), before);
  appendFileSync(path, record('3\n', 3));
  await read(path);
  assert.equal(open(), before);
});
