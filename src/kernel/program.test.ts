import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { it } from 'node:test';
import { isErrno } from './ffi/errno.ts';
import { startProgram } from './program.ts';

const env = { PATH: '/usr/bin:/bin', WORD: 'a b' };
const sh = (script: string, more: Parameters<typeof startProgram>[2] = { env }) =>
  startProgram('/bin/sh', ['-c', script, 'name', 'first word'], more).end;

it('`startProgram()` gives input, arguments and environment, and takes output and status', async () => {
  assert.deepEqual(await sh('cat; echo "$1|$WORD"; echo oops >&2; exit 3', { env, input: 'text\n' }), {
    status: 3,
    signal: undefined,
    stdout: 'text\nfirst word|a b\n',
    stderr: 'oops\n',
  });
  const long = 'x'.repeat(300_000);
  assert.equal((await sh('cat', { env, input: long })).stdout, long);
  assert.equal((await sh('cat')).stdout, '');
});

it('`startProgram()` tells of signals, and of what cannot be executed', async () => {
  assert.deepEqual(await sh('kill -9 $$'), { status: undefined, signal: 9, stdout: '', stderr: '' });
  assert.throws(
    () => startProgram('/nonexistent', [], { env }),
    (error) => isErrno(error, 'ENOENT'),
  );
  assert.throws(
    () => startProgram('/etc/passwd', [], { env }),
    (error) => isErrno(error, 'EACCES'),
  );
});

it('`startProgram()` ends it when it is told to', async () => {
  const ending = new AbortController();
  const running = sh('exec sleep 60', { env, signal: ending.signal });
  ending.abort();
  assert.equal((await running).signal, 15);
});

it('many at once, beside children of Node’s own: each gets its own end, and no descriptor is left', async () => {
  const before = readdirSync('/proc/self/fd').length;
  const child = spawn('/bin/sh', ['-c', 'exit 7']);
  const ends = await Promise.all(
    Array.from({ length: 20 }, (_, number) => sh(`echo ${number}; exit ${number}`)),
  );
  assert.deepEqual(
    ends.map(({ status, stdout }) => `${status} ${stdout}`),
    ends.map((_, number) => `${number} ${number}\n`),
  );
  const code = child.exitCode ?? (await new Promise((resolve) => child.once('close', resolve)));
  assert.equal(code, 7);
  // The child has what a child of Node's has: its three files, and what this process itself was given.
  const look = ['-c', 'ls /proc/self/fd'];
  assert.equal((await sh(look[1] ?? '')).stdout, spawnSync('/bin/sh', look, { encoding: 'utf8' }).stdout);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(readdirSync('/proc/self/fd').length, before);
});
