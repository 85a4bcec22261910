import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { parseMountinfo } from '../mounts/index.ts';
import {
  bootId,
  identifyProcess,
  isProcessAlive,
  listPids,
  parseOsRelease,
  readCgroupLayout,
  readCommandLine,
  readHostFacts,
  readProcessCgroups,
  readProcessStat,
  readProcessStatus,
  signalProcess,
} from './index.ts';

describe('processes', () => {
  it('readers tell about a process, and `undefined` about none', () => {
    const stat = readProcessStat(process.pid);
    assert.equal(stat?.pid, process.pid);
    assert.equal(stat?.parentPid, process.ppid);
    assert.ok((stat?.threads ?? 0) >= 1 && (stat?.startTime ?? 0) > 0);
    assert.equal(readCommandLine(process.pid)?.[0], process.argv0);
    assert.equal(readProcessStatus('self')?.get('Pid'), String(process.pid));
    assert.ok((readProcessCgroups('self')?.size ?? 0) > 0);
    assert.ok(listPids().includes(process.pid));
    const none = 2 ** 22 + 1; // beyond PID_MAX_LIMIT
    for (const read of [
      readProcessStat,
      readCommandLine,
      readProcessStatus,
      readProcessCgroups,
      identifyProcess,
    ]) {
      assert.equal(read(none), undefined);
    }
    assert.throws(() => readProcessStat(-1), /-1 is not a process id/);
  });

  it('`signalProcess()` reaches the process it names, and no other with the same pid', async () => {
    const child = spawn('sleep', ['60'], { stdio: 'ignore' });
    await once(child, 'spawn');
    const identity = identifyProcess(child.pid!)!;
    assert.ok(isProcessAlive(identity));
    const earlier = { ...identity, startTime: identity.startTime - 1 };
    assert.equal(isProcessAlive(earlier), false);
    assert.equal(signalProcess(earlier, 9), false);
    assert.equal(isProcessAlive({ ...identity, bootId: 'another boot' }), false);
    assert.ok(isProcessAlive(identity));
    const exit = once(child, 'exit');
    assert.equal(signalProcess(identity, 15), true);
    assert.deepEqual(await exit, [null, 'SIGTERM']);
    assert.equal(isProcessAlive(identity), false);
    assert.equal(signalProcess(identity, 15), false);
  });
});

describe('cgroups', () => {
  const mount = (lines: string[]) => parseMountinfo(lines.join('\n'));

  it('`readCgroupLayout()` finds version 1 controllers wherever they are mounted', () => {
    const layout = readCgroupLayout(
      mount([
        '32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup cgroup rw,cpu,cpuacct',
        '33 31 0:30 / /cg/memory rw - cgroup cgroup rw,memory',
        '34 31 0:30 / /elsewhere/memory rw - cgroup cgroup rw,memory',
        '40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd',
        '41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw',
      ]),
    );
    assert.equal(layout.version, 1);
    assert.equal(layout.hybrid, true);
    assert.equal(layout.unified, '/sys/fs/cgroup/unified');
    assert.deepEqual(
      [...layout.controllers],
      [
        ['cpu', '/sys/fs/cgroup/cpu,cpuacct'],
        ['cpuacct', '/sys/fs/cgroup/cpu,cpuacct'],
        ['memory', '/cg/memory'],
      ],
    );
  });

  it('`readCgroupLayout()` takes version 2 alone for version 2', () => {
    const layout = readCgroupLayout(mount(['41 31 0:38 / /nowhere/unified rw - cgroup2 cgroup2 rw']));
    assert.equal(layout.version, 2);
    assert.equal(layout.hybrid, false);
  });
});

describe('host', () => {
  it('`parseOsRelease()` undoes quotes', () => {
    const entries = parseOsRelease('PRETTY_NAME="Debian \\"12\\""\nID=debian\n# ID=x\nVERSION_ID=\'12\'\n');
    assert.deepEqual(
      [...entries],
      [
        ['PRETTY_NAME', 'Debian "12"'],
        ['ID', 'debian'],
        ['VERSION_ID', '12'],
      ],
    );
  });

  it('`readHostFacts()` knows the machine', () => {
    const facts = readHostFacts();
    assert.match(facts.kernelRelease, /^\d+\.\d+/);
    assert.ok(facts.cpus > 0 && facts.memoryBytes > 0);
    assert.equal(facts.bootId, bootId());
  });
});
