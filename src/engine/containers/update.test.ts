import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HostConfig, Resources } from '../../base/wire/index.ts';
import { normalizeResources } from './normalize.ts';
import { updatedHostConfig } from './update.ts';

const MB = 1024 * 1024;

const host = (limits: Partial<Resources> = {}, more: Partial<HostConfig> = {}) =>
  ({
    ...normalizeResources(limits),
    AutoRemove: false,
    RestartPolicy: { Name: 'no', MaximumRetryCount: 0 },
    ...more,
  }) as HostConfig;

test('what is not given, or zero, stays; the kernel is told what changed', () => {
  const current = host({ CpuShares: 512, PidsLimit: 5 });
  const { next, changed } = updatedHostConfig(current, {
    CpuShares: 1024,
    Memory: 0,
    CpusetCpus: '',
    Devices: [],
    PidsLimit: null,
  });
  assert.deepEqual(changed, { CpuShares: 1024 });
  assert.deepEqual(next, { ...current, CpuShares: 1024 });
  assert.equal(current.CpuShares, 512);
  assert.deepEqual(updatedHostConfig(current, { PidsLimit: -1 }).changed, { PidsLimit: -1 });
});

test('memory and swap are told together', () => {
  const current = host({ Memory: 64 * MB, MemorySwap: 256 * MB });
  assert.deepEqual(updatedHostConfig(current, { Memory: 128 * MB }).changed, {
    Memory: 128 * MB,
    MemorySwap: 256 * MB,
  });
  assert.deepEqual(updatedHostConfig(current, { MemorySwap: -1 }).changed, {
    Memory: 64 * MB,
    MemorySwap: -1,
  });
  assert.throws(() => updatedHostConfig(current, { Memory: 257 * MB }), {
    kind: 'invalid',
    message:
      'Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time',
  });
  assert.equal(updatedHostConfig(current, { Memory: 512 * MB, MemorySwap: -1 }).next.Memory, 512 * MB);
});

test('processor time is either a number of processors or quota and period', () => {
  const cases: Array<[Partial<Resources>, Partial<Resources>, string]> = [
    [{ NanoCpus: 5e8 }, { CpuQuota: 1000 }, 'CPU Quota cannot be updated as NanoCPUs has already been set'],
    [{ NanoCpus: 5e8 }, { CpuPeriod: 1000 }, 'CPU Period cannot be updated as NanoCPUs has already been set'],
    [{ CpuQuota: 1000 }, { NanoCpus: 5e8 }, 'Nano CPUs cannot be updated as CPU Quota has already been set'],
    [
      { CpuPeriod: 1000 },
      { NanoCpus: 5e8 },
      'Nano CPUs cannot be updated as CPU Period has already been set',
    ],
  ];
  for (const [before, change, message] of cases) {
    assert.throws(() => updatedHostConfig(host(before), change), {
      message: `Conflicting options: ${message}`,
    });
  }
  assert.deepEqual(updatedHostConfig(host({ NanoCpus: 5e8 }), { NanoCpus: 1e9 }).changed, { NanoCpus: 1e9 });
});

test('the restart policy, but not of a container that is removed when it ends', () => {
  const { next, changed } = updatedHostConfig(host(), {
    RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 3 },
  });
  assert.deepEqual(next.RestartPolicy, { Name: 'on-failure', MaximumRetryCount: 3 });
  assert.deepEqual(changed, {});
  const removed = host({}, { AutoRemove: true });
  assert.throws(
    () => updatedHostConfig(removed, { RestartPolicy: { Name: 'always', MaximumRetryCount: 0 } }),
    /Restart policy cannot be updated because AutoRemove is enabled/,
  );
  updatedHostConfig(removed, { RestartPolicy: { Name: 'no', MaximumRetryCount: 0 } });
});
