import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Resources } from '../../base/wire/index.ts';
import { checkResources } from './check-limits.ts';
import { normalizeResources } from './normalize.ts';

const MB = 1024 * 1024;
const check = (limits: Partial<Resources>) => checkResources(normalizeResources(limits), 2);

test('limits that fit together pass', () => {
  check({});
  check({ Memory: 6 * MB, MemoryReservation: 6 * MB, MemorySwap: -1, MemorySwappiness: 100 });
  check({ NanoCpus: 2e9, CpusetCpus: '0-1', CpusetMems: '0', BlkioWeight: 10 });
  check({ CpuPeriod: 1000, CpuQuota: 1000 });
  check({ CpuPeriod: 1_000_000, CpuQuota: -1 });
});

test('limits that cannot be are refused in the words of Docker', () => {
  const cases: Array<[Partial<Resources>, string]> = [
    [{ Memory: 6 * MB - 1 }, 'Minimum memory limit allowed is 6MB'],
    [{ Memory: -1 }, 'Minimum memory limit allowed is 6MB'],
    [
      { Memory: 64 * MB, MemorySwap: 32 * MB },
      'Minimum memoryswap limit should be larger than memory limit, see usage',
    ],
    [
      { MemorySwap: 32 * MB },
      'You should always set the Memory limit when using Memoryswap limit, see usage',
    ],
    [{ MemoryReservation: MB }, 'Minimum memory reservation allowed is 6MB'],
    [
      { Memory: 64 * MB, MemoryReservation: 65 * MB },
      'Minimum memory limit can not be less than memory reservation limit, see usage',
    ],
    [{ MemorySwappiness: 101 }, 'Invalid value: 101, valid memory swappiness range is 0-100'],
    [{ NanoCpus: 1e9, CpuPeriod: 1000 }, 'Conflicting options: Nano CPUs and CPU Period cannot both be set'],
    [{ NanoCpus: 1e9, CpuQuota: 1000 }, 'Conflicting options: Nano CPUs and CPU Quota cannot both be set'],
    [{ NanoCpus: 2.1e9 }, 'Range of CPUs is from 0.01 to 2.00, as there are only 2 CPUs available'],
    [
      { CpuPeriod: 999 },
      'CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)',
    ],
    [
      { CpuPeriod: 1_000_001 },
      'CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)',
    ],
    [{ CpuQuota: 999 }, 'CPU cfs quota can not be less than 1ms (i.e. 1000)'],
    [{ CpusetCpus: '2' }, 'Requested CPUs are not available - requested 2, available: 0-1'],
    [{ CpusetCpus: '0,1-' }, 'Invalid value 0,1- for cpuset cpus'],
    [{ CpusetMems: 'a' }, 'Invalid value a for cpuset mems'],
    [{ BlkioWeight: 9 }, 'Range of blkio weight is from 10 to 1000'],
    [{ BlkioWeight: 1001 }, 'Range of blkio weight is from 10 to 1000'],
  ];
  for (const [limits, message] of cases) {
    assert.throws(() => check(limits), { kind: 'invalid', message }, JSON.stringify(limits));
  }
});
