import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  constants,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { HostSystem } from '../host-system.ts';
import { ProcessIo } from './process-io.ts';

const host = {
  makeFifo: (path: string) => execFileSync('mkfifo', ['-m', '700', path]),
} as unknown as HostSystem;

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'bridgeport-io-'));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return join(path, 'io');
}

/** The shim's end of an output FIFO: open for both, as containerd's does. */
function shim(path: string): number {
  return openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
}

async function soon(condition: () => boolean): Promise<void> {
  for (let waited = 0; !condition(); waited += 5) {
    assert.ok(waited < 5000, 'it did not happen');
    await sleep(5);
  }
}

interface Heard {
  stdout: string;
  stderr: string;
}

function listener(): { heard: Heard; onOutput: (stream: 'stdout' | 'stderr', chunk: Buffer) => boolean } {
  const heard = { stdout: '', stderr: '' };
  return {
    heard,
    onOutput(stream, chunk) {
      heard[stream] += chunk.toString();
      return true;
    },
  };
}

test('both output streams are read until the shim has closed its ends', async (t) => {
  const { heard, onOutput } = listener();
  const io = ProcessIo.create({ folder: folder(t), terminal: false, stdin: false, onOutput }, host);
  assert.equal(io.paths.stdin, undefined);
  assert.equal(io.stdin, undefined);
  const [out, err] = [shim(io.paths.stdout), shim(io.paths.stderr as string)];
  io.connected();
  writeSync(out, 'one ');
  writeSync(err, 'two');
  await soon(() => heard.stdout === 'one ' && heard.stderr === 'two');
  let isDrained = false;
  io.drained.then(() => {
    isDrained = true;
  });
  writeSync(out, 'last');
  closeSync(out);
  await sleep(20);
  assert.equal(isDrained, false);
  closeSync(err);
  await io.drained;
  assert.deepEqual(heard, { stdout: 'one last', stderr: 'two' });
  io.destroy();
  assert.equal(existsSync(io.paths.stdout), false);
});

test('until `connected()`, a FIFO without a writer has not ended', async (t) => {
  const { heard, onOutput } = listener();
  const io = ProcessIo.create({ folder: folder(t), terminal: true, stdin: false, onOutput }, host);
  let isDrained = false;
  io.drained.then(() => {
    isDrained = true;
  });
  await sleep(20);
  assert.equal(isDrained, false);
  const out = shim(io.paths.stdout);
  io.connected();
  writeSync(out, 'hello');
  closeSync(out);
  await io.drained;
  assert.equal(heard.stdout, 'hello');
  io.destroy();
});

test('a terminal has no stderr of its own', (t) => {
  const io = ProcessIo.create({ folder: folder(t), terminal: true, stdin: true, onOutput: () => true }, host);
  assert.equal(io.paths.stderr, undefined);
  assert.deepEqual(io.fifos.map((path) => path.split('/').at(-1)).toSorted(), ['stdin', 'stdout']);
  io.destroy();
});

test('output that is refused waits in the pipe until `resume()`', async (t) => {
  let accept = false;
  let heard = '';
  const io = ProcessIo.create(
    {
      folder: folder(t),
      terminal: true,
      stdin: false,
      onOutput: (_, chunk) => {
        heard += chunk.toString();
        return accept;
      },
    },
    host,
  );
  const out = shim(io.paths.stdout);
  io.connected();
  writeSync(out, 'first');
  await soon(() => heard === 'first');
  writeSync(out, 'second');
  await sleep(30);
  assert.equal(heard, 'first');
  accept = true;
  io.resume();
  await soon(() => heard === 'firstsecond');
  closeSync(out);
  await io.drained;
  io.destroy();
});

test('what is typed arrives, and `endStdin()` sends it all before it closes our end', async (t) => {
  const io = ProcessIo.create(
    { folder: folder(t), terminal: false, stdin: true, onOutput: () => true },
    host,
  );
  const fd = openSync(io.paths.stdin as string, constants.O_RDONLY | constants.O_NONBLOCK);
  const text = 'x'.repeat(100_000);
  io.stdin?.write(text);
  const ending = io.endStdin();
  assert.equal(io.stdin, undefined);
  const block = Buffer.alloc(65_536);
  let received = '';
  for (;;) {
    let size = 0;
    try {
      size = readSync(fd, block);
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, 'EAGAIN');
      await sleep(5);
      continue;
    }
    if (size === 0) break;
    received += block.toString('latin1', 0, size);
  }
  await ending;
  assert.equal(received, text);
  closeSync(fd);
  await io.endStdin();
  io.destroy();
});

test('a next daemon goes on reading where the last one stopped', async (t) => {
  const path = folder(t);
  const first = listener();
  const io = ProcessIo.create({ folder: path, terminal: true, stdin: false, onOutput: first.onOutput }, host);
  const out = shim(io.paths.stdout);
  io.connected();
  writeSync(out, 'one');
  await soon(() => first.heard.stdout === 'one');
  // A daemon that is killed removes nothing.
  t.mock.method(io, 'destroy', () => {});
  const second = listener();
  const options = { folder: path, terminal: true, stdin: false, onOutput: second.onOutput };
  const adopted = ProcessIo.adopt(options);
  assert.ok(adopted !== undefined);
  writeSync(out, 'two');
  await soon(() => `${first.heard.stdout}${second.heard.stdout}` === 'onetwo');
  closeSync(out);
  await adopted.drained;
  adopted.destroy();
  assert.equal(ProcessIo.adopt(options), undefined);
  t.mock.restoreAll();
  io.destroy();
});

test('`readRest()` gives what waits in the FIFOs, and is fine with what is not there', (t) => {
  const path = folder(t);
  const { heard, onOutput } = listener();
  const io = ProcessIo.create({ folder: path, terminal: false, stdin: false, onOutput: () => false }, host);
  const err = shim(io.paths.stderr as string);
  writeSync(err, 'x'.repeat(3));
  rmSync(io.paths.stdout);
  ProcessIo.readRest({ folder: path, terminal: false, onOutput });
  assert.deepEqual(heard, { stdout: '', stderr: 'xxx' });
  closeSync(err);
  io.destroy();
});

test('`create()` throws away what an earlier run left in its FIFOs', async (t) => {
  const path = folder(t);
  const { heard, onOutput } = listener();
  const options = { folder: path, terminal: true, stdin: false, onOutput };
  const before = ProcessIo.create({ ...options, onOutput: () => true }, host);
  const old = shim(before.paths.stdout);
  const io = ProcessIo.create(options, host);
  writeSync(old, 'of the old run');
  const out = shim(io.paths.stdout);
  io.connected();
  writeSync(out, 'new');
  closeSync(out);
  await io.drained;
  assert.equal(heard.stdout, 'new');
  for (const one of [before, io]) one.destroy();
  closeSync(old);
  assert.deepEqual(readdirSync(path), []);
});
