import assert from 'node:assert/strict';
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseNanos } from '../../base/time.ts';
import { type LogFileOptions, LogWriter, logFiles, removeLogFiles } from './json-file.ts';

const UNLIMITED: LogFileOptions = { maxSize: -1, maxFiles: 1 };

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'bridgeport-log-'));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return join(path, 'c-json.log');
}

interface Line {
  log: string;
  stream: string;
  time: string;
}

function lines(path: string): Line[] {
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line);
}

const texts = (path: string) => lines(path).map((line) => line.log);

test('each line is one record with its stream and a time of nine digits', (t) => {
  const path = folder(t);
  const writer = new LogWriter(path, UNLIMITED);
  const before = BigInt(Date.now() - 10) * 1_000_000n;
  writer.write('stdout', Buffer.from('one\ntwo "quoted" \\ \u0001\n'));
  writer.write('stderr', Buffer.from('three\n'));
  writer.close();
  const written = lines(path);
  assert.deepEqual(
    written.map(({ log, stream }) => [stream, log]),
    [
      ['stdout', 'one\n'],
      ['stdout', 'two "quoted" \\ \u0001\n'],
      ['stderr', 'three\n'],
    ],
  );
  for (const { time } of written) {
    assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/);
    assert.ok((parseNanos(time) as bigint) >= before);
  }
});

test('a line that comes in pieces is one record, and the streams do not mix', (t) => {
  const path = folder(t);
  const writer = new LogWriter(path, UNLIMITED);
  writer.write('stdout', Buffer.from('he'));
  writer.write('stderr', Buffer.from('wor'));
  writer.write('stdout', Buffer.from('llo\nne'));
  writer.write('stderr', Buffer.from('ld\n'));
  writer.write('stdout', Buffer.from('xt\n'));
  writer.close();
  assert.deepEqual(texts(path), ['hello\n', 'world\n', 'next\n']);
});

test('the piece is a copy: the reader may use its buffer again', (t) => {
  const path = folder(t);
  const writer = new LogWriter(path, UNLIMITED);
  const buffer = Buffer.from('abc');
  writer.write('stdout', buffer);
  buffer.fill('x');
  writer.write('stdout', Buffer.from('\n'));
  writer.close();
  assert.deepEqual(texts(path), ['abc\n']);
});

test('a line of more than 16 KiB is cut into pieces, only the last of which has a newline', (t) => {
  const path = folder(t);
  const writer = new LogWriter(path, UNLIMITED);
  const size = 16 * 1024;
  writer.write('stdout', Buffer.from('a'.repeat(size - 1)));
  writer.write('stdout', Buffer.from(`bc${'d'.repeat(size)}\nshort\n`));
  writer.close();
  const written = texts(path);
  assert.deepEqual(
    written.map((text) => text.length),
    [size, size, 2, 6],
  );
  assert.equal(written.join(''), `${'a'.repeat(size - 1)}bc${'d'.repeat(size)}\nshort\n`);
});

test('a line of exactly 16 KiB with its newline stays whole', (t) => {
  const path = folder(t);
  const writer = new LogWriter(path, UNLIMITED);
  writer.write('stdout', Buffer.from(`${'a'.repeat(16 * 1024 - 1)}\nb\n`));
  writer.close();
  assert.deepEqual(
    texts(path).map((text) => text.length),
    [16 * 1024, 2],
  );
});

test('a UTF-8 sequence is never cut, neither at 16 KiB nor between two reads', (t) => {
  const path = folder(t);
  const writer = new LogWriter(path, UNLIMITED);
  const text = `${'a'.repeat(16 * 1024 - 2)}€😀\n`;
  const bytes = Buffer.from(text);
  for (let start = 0; start < bytes.length; start += 5)
    writer.write('stdout', bytes.subarray(start, start + 5));
  writer.close();
  assert.equal(texts(path).join(''), text);
});

test('bytes that are no UTF-8 become U+FFFD, as in Docker', (t) => {
  const path = folder(t);
  const writer = new LogWriter(path, UNLIMITED);
  writer.write('stdout', Buffer.from([0x61, 0xff, 0x62, 0x0a, 0xc3]));
  writer.close();
  assert.deepEqual(texts(path), ['a\ufffdb\n', '\ufffd']);
});

test('a prompt without newline is written soon, but for a sequence that has only begun', async (t) => {
  const path = folder(t);
  const writer = new LogWriter(path, UNLIMITED);
  const euro = Buffer.from('€');
  writer.write('stdout', Buffer.concat([Buffer.from('prompt '), euro.subarray(0, 2)]));
  for (let waited = 0; waited < 2000 && readFileSync(path).length === 0; waited += 10) await sleep(10);
  assert.deepEqual(texts(path), ['prompt ']);
  writer.write('stdout', Buffer.concat([euro.subarray(2), Buffer.from('\n')]));
  writer.close();
  assert.deepEqual(texts(path), ['prompt ', '€\n']);
});

test('`close()` writes what is left, and nothing is written afterwards', (t) => {
  const path = folder(t);
  const writer = new LogWriter(path, UNLIMITED);
  writer.write('stdout', Buffer.from('rest'));
  writer.close();
  writer.write('stdout', Buffer.from('late\n'));
  writer.close();
  assert.deepEqual(texts(path), ['rest']);
});

test('a new writer goes on in the same file', (t) => {
  const path = folder(t);
  for (const text of ['first\n', 'second\n']) {
    const writer = new LogWriter(path, UNLIMITED);
    writer.write('stdout', Buffer.from(text));
    writer.close();
  }
  assert.deepEqual(texts(path), ['first\n', 'second\n']);
});

test('rotation keeps `maxFiles` files, the newest lines in the file itself', (t) => {
  const path = folder(t);
  const writer = new LogWriter(path, { maxSize: 200, maxFiles: 3 });
  for (let number = 0; number < 40; number++) writer.write('stdout', Buffer.from(`line ${number}\n`));
  writer.close();
  assert.deepEqual(
    logFiles(path),
    [`${path}.2`, `${path}.1`, path].filter((file) => existsSync(file)),
  );
  assert.equal(existsSync(`${path}.3`), false);
  const kept = logFiles(path).flatMap(texts);
  assert.deepEqual(
    kept,
    Array.from({ length: kept.length }, (_, index) => `line ${40 - kept.length + index}\n`),
  );
  for (const file of [`${path}.2`, `${path}.1`]) {
    const size = readFileSync(file).length;
    assert.ok(size >= 200 && size < 300, `${file}: ${size} bytes`);
  }
  assert.ok(writer.generation > 10);
});

test('with one file, rotation begins it anew', (t) => {
  const path = folder(t);
  const writer = new LogWriter(path, { maxSize: 100, maxFiles: 1 });
  for (let number = 0; number < 9; number++) writer.write('stdout', Buffer.from(`line ${number}\n`));
  writer.close();
  assert.deepEqual(logFiles(path), [path]);
  assert.deepEqual(texts(path), ['line 8\n']);
});

test('a new writer knows how full the file is already', (t) => {
  const path = folder(t);
  const options = { maxSize: 150, maxFiles: 2 };
  for (let number = 0; number < 4; number++) {
    const writer = new LogWriter(path, options);
    writer.write('stdout', Buffer.from(`line ${number}\n`));
    writer.close();
  }
  assert.equal(logFiles(path).length, 2);
});

test('a write that fails loses the output, is told once, and does not throw', (t) => {
  const path = folder(t);
  const losses: unknown[] = [];
  const writer = new LogWriter(path, UNLIMITED, (error) => losses.push(error));
  writer.write('stdout', Buffer.from('before\n'));
  // The writer's own descriptor is the last that was opened: closing it makes every write fail with EBADF.
  const next = openSync('/dev/null', 'r');
  closeSync(next);
  closeSync(next - 1);
  writer.write('stdout', Buffer.from('lost\n'));
  writer.write('stdout', Buffer.from('lost too\n'));
  assert.equal(losses.length, 1);
  assert.equal((losses[0] as NodeJS.ErrnoException).code, 'EBADF');
  assert.equal(openSync(path, 'a'), next - 1);
  writer.write('stdout', Buffer.from('after\n'));
  writer.close();
  assert.deepEqual(texts(path), ['before\n', 'after\n']);
});

test('a rotation that fails loses no output', (t) => {
  const path = folder(t);
  const losses: unknown[] = [];
  const writer = new LogWriter(path, { maxSize: 100, maxFiles: 2 }, (error) => losses.push(error));
  // rename(2) cannot put a file where a folder with something in it is.
  rmSync(`${path}.1`, { force: true });
  writeFolder(`${path}.1`);
  for (let number = 0; number < 6; number++) writer.write('stdout', Buffer.from(`line ${number}\n`));
  writer.close();
  assert.equal(losses.length, 1);
  assert.deepEqual(
    texts(path),
    [0, 1, 2, 3, 4, 5].map((number) => `line ${number}\n`),
  );
});

test('followers hear of every append and of the end, until they stop', (t) => {
  const path = folder(t);
  const writer = new LogWriter(path, UNLIMITED);
  let calls = 0;
  const stop = writer.follow(() => calls++);
  writer.write('stdout', Buffer.from('one\n'));
  writer.write('stdout', Buffer.from('two\n'));
  assert.equal(calls, 2);
  stop();
  writer.write('stdout', Buffer.from('three\n'));
  assert.equal(calls, 2);
  writer.follow(() => calls++);
  writer.close();
  assert.equal(calls, 3);
});

test('`removeLogFiles()` takes the rotated files too', (t) => {
  const path = folder(t);
  for (const name of [path, `${path}.1`, `${path}.2`]) writeFileSync(name, '');
  removeLogFiles(path);
  assert.deepEqual(logFiles(path), []);
  removeLogFiles(path);
});

function writeFolder(path: string): void {
  mkdirSync(path);
  writeFileSync(join(path, 'in-the-way'), '');
}
