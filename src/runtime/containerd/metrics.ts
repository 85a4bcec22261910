/**
 * What a task's cgroup counted, as the shim reports it: `io.containerd.cgroups.v1.Metrics` on a v1 or hybrid machine,
 * `io.containerd.cgroups.v2.Metrics` on a unified one. Units are the kernel's: bytes, nanoseconds (v1), microseconds (v2).
 */

import { BridgeportError } from '../../base/errors.ts';
import type { Any } from './api.ts';
import { field, int, message, type Of, repeated, string, sub, subs, uint64 } from './protobuf.ts';

const pids = message({ current: field(1, uint64), limit: field(2, uint64) });

const memoryEntry = message({
  limit: field(1, uint64),
  usage: field(2, uint64),
  max: field(3, uint64),
  failcnt: field(4, uint64),
});

const blkioEntry = message({
  op: field(1, string),
  device: field(2, string),
  major: field(3, uint64),
  minor: field(4, uint64),
  value: field(5, uint64),
});

const hugetlbV1 = message({
  usage: field(1, uint64),
  max: field(2, uint64),
  failcnt: field(3, uint64),
  pagesize: field(4, string),
});

/** `memory.stat` by the kernel's names; the numbers are the field numbers of MemoryStat. */
const memoryV1 = message({
  cache: field(1, uint64),
  rss: field(2, uint64),
  rss_huge: field(3, uint64),
  mapped_file: field(4, uint64),
  dirty: field(5, uint64),
  writeback: field(6, uint64),
  pgpgin: field(7, uint64),
  pgpgout: field(8, uint64),
  pgfault: field(9, uint64),
  pgmajfault: field(10, uint64),
  inactive_anon: field(11, uint64),
  active_anon: field(12, uint64),
  inactive_file: field(13, uint64),
  active_file: field(14, uint64),
  unevictable: field(15, uint64),
  hierarchical_memory_limit: field(16, uint64),
  hierarchical_memsw_limit: field(17, uint64),
  total_cache: field(18, uint64),
  total_rss: field(19, uint64),
  total_rss_huge: field(20, uint64),
  total_mapped_file: field(21, uint64),
  total_dirty: field(22, uint64),
  total_writeback: field(23, uint64),
  total_pgpgin: field(24, uint64),
  total_pgpgout: field(25, uint64),
  total_pgfault: field(26, uint64),
  total_pgmajfault: field(27, uint64),
  total_inactive_anon: field(28, uint64),
  total_active_anon: field(29, uint64),
  total_inactive_file: field(30, uint64),
  total_active_file: field(31, uint64),
  total_unevictable: field(32, uint64),
  usage: sub(33, memoryEntry),
  swap: sub(34, memoryEntry),
  kernel: sub(35, memoryEntry),
  kernel_tcp: sub(36, memoryEntry),
});

const cpuV1 = message({
  usage: sub(
    1,
    message({
      total: field(1, uint64),
      kernel: field(2, uint64),
      user: field(3, uint64),
      perCpu: repeated(4, uint64),
    }),
  ),
  throttling: sub(
    2,
    message({
      periods: field(1, uint64),
      throttledPeriods: field(2, uint64),
      throttledTime: field(3, uint64),
    }),
  ),
});

const blkioV1 = message({
  ioServiceBytesRecursive: subs(1, blkioEntry),
  ioServicedRecursive: subs(2, blkioEntry),
  ioQueuedRecursive: subs(3, blkioEntry),
  ioServiceTimeRecursive: subs(4, blkioEntry),
  ioWaitTimeRecursive: subs(5, blkioEntry),
  ioMergedRecursive: subs(6, blkioEntry),
  ioTimeRecursive: subs(7, blkioEntry),
  sectorsRecursive: subs(8, blkioEntry),
});

const metricsV1 = message({
  hugetlb: subs(1, hugetlbV1),
  pids: sub(2, pids),
  cpu: sub(3, cpuV1),
  memory: sub(4, memoryV1),
  blkio: sub(5, blkioV1),
  memoryOomControl: sub(
    9,
    message({ oomKillDisable: field(1, uint64), underOom: field(2, uint64), oomKill: field(3, uint64) }),
  ),
});

const cpuV2 = message({
  usageUsec: field(1, uint64),
  userUsec: field(2, uint64),
  systemUsec: field(3, uint64),
  nrPeriods: field(4, uint64),
  nrThrottled: field(5, uint64),
  throttledUsec: field(6, uint64),
});

/** `memory.stat` by the kernel's names, then the files `memory.current`, `memory.max`, `memory.swap.*`. */
const memoryV2 = message({
  anon: field(1, uint64),
  file: field(2, uint64),
  kernel_stack: field(3, uint64),
  slab: field(4, uint64),
  sock: field(5, uint64),
  shmem: field(6, uint64),
  file_mapped: field(7, uint64),
  file_dirty: field(8, uint64),
  file_writeback: field(9, uint64),
  anon_thp: field(10, uint64),
  inactive_anon: field(11, uint64),
  active_anon: field(12, uint64),
  inactive_file: field(13, uint64),
  active_file: field(14, uint64),
  unevictable: field(15, uint64),
  slab_reclaimable: field(16, uint64),
  slab_unreclaimable: field(17, uint64),
  pgfault: field(18, uint64),
  pgmajfault: field(19, uint64),
  usage: field(32, uint64),
  usageLimit: field(33, uint64),
  swapUsage: field(34, uint64),
  swapLimit: field(35, uint64),
});

const metricsV2 = message({
  pids: sub(1, pids),
  cpu: sub(2, cpuV2),
  memory: sub(4, memoryV2),
  io: sub(
    6,
    message({
      usage: subs(
        1,
        message({
          major: field(1, uint64),
          minor: field(2, uint64),
          rbytes: field(3, uint64),
          wbytes: field(4, uint64),
          rios: field(5, uint64),
          wios: field(6, uint64),
        }),
      ),
    }),
  ),
  memoryEvents: sub(
    8,
    message({
      low: field(1, int),
      high: field(2, int),
      max: field(3, int),
      oom: field(4, int),
      oomKill: field(5, int),
    }),
  ),
});

/** Parts whose controller is absent are `undefined`. Limits that mean "none" are near 2^63 and rounded. */
export type CgroupMetrics =
  | ({ version: 1; timestamp: Date } & Of<typeof metricsV1>)
  | ({ version: 2; timestamp: Date } & Of<typeof metricsV2>);

export function decodeMetrics(data: Any, at: Date): CgroupMetrics {
  if (data.typeUrl.endsWith('io.containerd.cgroups.v1.Metrics'))
    return { version: 1, timestamp: at, ...metricsV1.decode(data.value) };
  if (data.typeUrl.endsWith('io.containerd.cgroups.v2.Metrics'))
    return { version: 2, timestamp: at, ...metricsV2.decode(data.value) };
  throw new BridgeportError('internal', `read task metrics: unknown type "${data.typeUrl}"`);
}
