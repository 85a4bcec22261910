import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { listMounts } from '../mounts/mountinfo.ts';
import { removeCgroups } from './cgroup-removal.ts';

const tops = listMounts().flatMap(({ type, target }) => (type.startsWith('cgroup') ? [target] : []));

test('`removeCgroups()` kills what is in the groups and below, frozen or not, and leaves no group', async () => {
  const path = `/bridgeport-test-${randomBytes(4).toString('hex')}`;
  const inner = tops.map((top) => join(top, path, 'inner'));
  for (const group of inner) mkdirSync(group, { recursive: true });
  const child = spawn('sleep', ['1000']);
  try {
    for (const group of inner) {
      // A group of cpusets takes no process before it has CPUs.
      if (existsSync(join(group, 'cpuset.cpus'))) continue;
      writeFileSync(join(group, 'cgroup.procs'), `${child.pid}`);
      const freezer = join(group, 'freezer.state');
      if (existsSync(freezer)) writeFileSync(freezer, 'FROZEN');
    }
    const ended = once(child, 'exit');
    await removeCgroups(path);
    assert.deepEqual(await ended, [null, 'SIGKILL']);
    assert.deepEqual(
      tops.filter((top) => existsSync(join(top, path))),
      [],
    );
  } finally {
    child.kill('SIGKILL');
  }
});

test('`removeCgroups()` does nothing where there is no such group', async () => {
  await removeCgroups('/bridgeport-test-none');
});
