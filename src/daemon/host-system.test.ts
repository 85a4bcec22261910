import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { it } from 'node:test';
import { createHostSystem } from './host-system.ts';

const host = createHostSystem({ hold: async () => {}, release: async () => {} });

it('`identify()` finds a process in its cgroup, and nobody in one where it is not', () => {
  const line = readFileSync('/proc/self/cgroup', 'utf8').split('\n')[0] ?? '';
  const cgroup = line.slice(line.lastIndexOf(':') + 1);
  assert.equal(host.identify(process.pid, cgroup)?.pid, process.pid);
  assert.equal(host.identify(process.pid, '/no-such-cgroup'), undefined);
});

it('`signal()` reaches the process, and says when it has ended', async () => {
  const child = spawn('sleep', ['60']);
  const ended = once(child, 'exit');
  const found = host.identify(child.pid ?? 0, '/');
  assert.ok(found !== undefined);
  assert.equal(host.signal(found, 15), true);
  assert.deepEqual(await ended, [null, 'SIGTERM']);
  assert.equal(host.signal(found, 15), false);
});
