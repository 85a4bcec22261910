import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CgroupMetrics } from '../../runtime/containerd/client.ts';
import { statsSample } from './sample.ts';
import { selectProcesses } from './service.ts';

function sample(metrics: object, before?: ReturnType<typeof statsSample>) {
  return statsSample(
    {
      id: 'c1',
      name: 'web',
      metrics: metrics as CgroupMetrics,
      networks: undefined,
      systemCpu: 5e9,
      onlineCpus: 2,
      totalMemory: 1000,
      read: '2026-11-22T00:00:01Z',
    },
    before,
  );
}

const V1 = {
  version: 1,
  cpu: {
    usage: { total: 300, kernel: 100, user: 200, perCpu: [150, 150] },
    throttling: { periods: 3, throttledPeriods: 2, throttledTime: 1 },
  },
  memory: { usage: { usage: 400, max: 500, failcnt: 6, limit: 9e18 }, cache: 7, total_inactive_file: 8 },
  pids: { current: 4, limit: 0 },
  blkio: {
    ioServiceBytesRecursive: [{ major: 8, minor: 0, op: 'Read', value: 11, device: 'sda' }],
    ioServicedRecursive: [],
  },
};

test('cgroups of version 1', () => {
  const made = sample(V1);
  assert.equal(made.name, '/web');
  assert.deepEqual(made.cpu_stats, {
    cpu_usage: {
      total_usage: 300,
      percpu_usage: [150, 150],
      usage_in_kernelmode: 100,
      usage_in_usermode: 200,
    },
    system_cpu_usage: 5e9,
    online_cpus: 2,
    throttling_data: { periods: 3, throttled_periods: 2, throttled_time: 1 },
  });
  assert.deepEqual(made.memory_stats, {
    usage: 400,
    max_usage: 500,
    failcnt: 6,
    limit: 1000,
    stats: { cache: 7, total_inactive_file: 8 },
  });
  assert.deepEqual(made.pids_stats, { current: 4 });
  assert.deepEqual(made.blkio_stats.io_service_bytes_recursive, [
    { major: 8, minor: 0, op: 'Read', value: 11 },
  ]);
  assert.equal('networks' in made, false);
});

test('cgroups of version 2 count in microseconds', () => {
  const made = sample({
    version: 2,
    cpu: { usageUsec: 3, systemUsec: 1, userUsec: 2, nrPeriods: 4, nrThrottled: 5, throttledUsec: 6 },
    memory: { usage: 400, usageLimit: 600, inactive_file: 9 },
    pids: { current: 4, limit: 10 },
    io: { usage: [{ major: 8, minor: 0, rbytes: 1, wbytes: 2, rios: 3, wios: 4 }] },
  });
  assert.deepEqual(made.cpu_stats.cpu_usage, {
    total_usage: 3000,
    usage_in_kernelmode: 1000,
    usage_in_usermode: 2000,
  });
  assert.deepEqual(made.cpu_stats.throttling_data, {
    periods: 4,
    throttled_periods: 5,
    throttled_time: 6000,
  });
  assert.equal(made.memory_stats.limit, 600);
  assert.deepEqual(made.pids_stats, { current: 4, limit: 10 });
  assert.deepEqual(made.blkio_stats.io_service_bytes_recursive, [
    { major: 8, minor: 0, op: 'read', value: 1 },
    { major: 8, minor: 0, op: 'write', value: 2 },
  ]);
  assert.deepEqual(made.blkio_stats.io_serviced_recursive, [
    { major: 8, minor: 0, op: 'read', value: 3 },
    { major: 8, minor: 0, op: 'write', value: 4 },
  ]);
});

test('the preceding sample is kept beside the new one, for the difference', () => {
  const first = sample(V1);
  assert.equal(first.preread, '0001-01-01T00:00:00Z');
  assert.equal(first.precpu_stats.cpu_usage.total_usage, 0);
  const second = sample(V1, first);
  assert.equal(second.preread, first.read);
  assert.deepEqual(second.precpu_stats, first.cpu_stats);
});

test('a kernel that counts nothing gives zeros', () => {
  const made = sample({ version: 1 });
  assert.equal(made.cpu_stats.cpu_usage.total_usage, 0);
  assert.deepEqual(made.memory_stats, {});
  assert.deepEqual(made.pids_stats, {});
});

const PS = `UID          PID    PPID  C STIME TTY          TIME CMD
root           1       0  0 05:10 ?        00:00:00 /sbin/init
www          123       1  0 05:11 ?        00:00:07 nginx:  worker   process
root        1234       1  0 05:11 ?        00:00:00 sh
`;

test("`selectProcesses()` takes the container's lines; the last column keeps its words", () => {
  assert.deepEqual(selectProcesses(PS, new Set(['123', '1234'])), {
    Titles: ['UID', 'PID', 'PPID', 'C', 'STIME', 'TTY', 'TIME', 'CMD'],
    Processes: [
      ['www', '123', '1', '0', '05:11', '?', '00:00:07', 'nginx: worker process'],
      ['root', '1234', '1', '0', '05:11', '?', '00:00:00', 'sh'],
    ],
  });
});

test('`selectProcesses()` finds the PID in any column, and refuses output without one', () => {
  const text = 'COMMAND PID\nsleep 7\nsh 1 7\n';
  assert.deepEqual(selectProcesses(text, new Set(['7'])).Processes, [['sleep', '7']]);
  assert.throws(() => selectProcesses('USER CMD\nroot sh\n', new Set(['1'])), {
    kind: 'internal',
    message: "Couldn't find PID field in ps output",
  });
});
