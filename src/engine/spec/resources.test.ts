import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Resources } from '../../base/wire/index.ts';
import { normalizeResources } from '../containers/normalize.ts';
import { deviceNumbers, ociResources } from './resources.ts';

const oci = (limits: Partial<Resources>) => ociResources(normalizeResources(limits));

test('no limits are no fields', () => {
  assert.deepEqual(oci({}), {});
});

test('memory: the swap is what both together may use', () => {
  assert.deepEqual(oci({ Memory: 100 }).memory, { limit: 100, swap: 200 });
  assert.deepEqual(oci({ Memory: 100, MemorySwap: 150, MemoryReservation: 50 }).memory, {
    limit: 100,
    reservation: 50,
    swap: 150,
  });
  assert.deepEqual(oci({ Memory: 100, MemorySwap: -1 }).memory, { limit: 100, swap: -1 });
  assert.deepEqual(oci({ MemorySwappiness: 0, OomKillDisable: true }).memory, {
    swappiness: 0,
    disableOOMKiller: true,
  });
});

test('processors: a share of time becomes quota and period', () => {
  assert.deepEqual(oci({ NanoCpus: 1.5e9 }).cpu, { period: 100_000, quota: 150_000 });
  assert.deepEqual(oci({ NanoCpus: 1e7 }).cpu, { period: 100_000, quota: 1000 });
  assert.deepEqual(
    oci({ CpuShares: 512, CpuPeriod: 50_000, CpuQuota: -1, CpusetCpus: '0-1', CpusetMems: '0' }).cpu,
    { shares: 512, period: 50_000, quota: -1, cpus: '0-1', mems: '0' },
  );
});

test('processes: -1 is no limit, 0 and null say nothing', () => {
  assert.deepEqual(oci({ PidsLimit: 10 }).pids, { limit: 10 });
  assert.deepEqual(oci({ PidsLimit: -1 }).pids, { limit: -1 });
  assert.equal(oci({ PidsLimit: 0 }).pids, undefined);
  assert.equal(oci({ PidsLimit: null }).pids, undefined);
});

test('a limit for something that is no block device is refused, quoted', () => {
  for (const path of ['/dev/null', '/nothing/there', '/etc']) {
    assert.throws(() => oci({ BlkioDeviceReadBps: [{ Path: path, Rate: 1 }] }), {
      kind: 'invalid',
      message: new RegExp(`limit block device "${path}"`),
    });
  }
  assert.deepEqual(oci({ BlkioWeight: 300 }).blockIO, { weight: 300 });
});

test('`deviceNumbers()` takes numbers apart as glibc does, large ones too', () => {
  assert.deepEqual(deviceNumbers(0x0103), { major: 1, minor: 3 });
  assert.deepEqual(deviceNumbers(0x0801), { major: 8, minor: 1 });
  // gnu_dev_makedev: the low byte of the minor number stands below the major one, the rest above it.
  const minor = 70_000;
  assert.deepEqual(deviceNumbers((minor & 0xff) | (259 << 8) | ((minor & ~0xff) << 12)), {
    major: 259,
    minor,
  });
});
