import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openFifosBelow } from './open-fifos.ts';

test('who waits for the other end of a FIFO goes on, also in folders below; other files are left alone', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'fifos-'));
  t.after(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, 'container/exec'), { recursive: true });
  const fifo = join(folder, 'container/exec/stdout');
  execFileSync('mkfifo', [fifo]);
  writeFileSync(join(folder, 'container/note'), '');
  const writer = spawn('sh', ['-c', 'exec 3>"$0"', fifo]);
  t.after(() => writer.kill('SIGKILL'));
  const close = openFifosBelow(folder);
  const [status] = await once(writer, 'exit');
  assert.equal(status, 0);
  close();
});

test('no folder, nothing to open', () => {
  openFifosBelow('/nowhere/at/all')();
});
