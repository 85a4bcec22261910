/**
 * Which cgroup hierarchies there are and what they can limit (cgroups(7)). Read from the mount table, never assumed:
 * version 1 controllers may be mounted anywhere, singly or together, and a hybrid has version 2 beside them.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { listMounts, type Mount } from '../mounts/mountinfo.ts';

export interface CgroupLayout {
  /** 2: unified alone. 1: version 1 controllers (also with an empty version 2 beside them: `hybrid`). */
  readonly version: 1 | 2;
  /** Version 1 controllers and a version 2 hierarchy are both mounted. */
  readonly hybrid: boolean;
  /** Where each controller is mounted: `memory` → `/sys/fs/cgroup/memory`; all the same directory in version 2. */
  readonly controllers: ReadonlyMap<string, string>;
  /** The version 2 hierarchy, if mounted. */
  readonly unified: string | undefined;
  /** Whether systemd manages the hierarchy (then its slices are to be used). */
  readonly systemd: boolean;
}

/** What can be limited here; the names are those of `docker info`. */
export interface CgroupCapabilities {
  readonly memoryLimit: boolean;
  readonly swapLimit: boolean;
  readonly oomKillDisable: boolean;
  readonly cpuCfsPeriod: boolean;
  readonly cpuCfsQuota: boolean;
  readonly cpuShares: boolean;
  readonly cpuSet: boolean;
  readonly pidsLimit: boolean;
  readonly blkioWeight: boolean;
  readonly blkioThrottle: boolean;
}

/** Every version 1 controller the kernel knows (Documentation/admin-guide/cgroup-v1). */
const V1_CONTROLLERS = new Set(
  'cpu cpuacct cpuset memory devices freezer blkio pids net_cls net_prio perf_event hugetlb rdma misc'.split(
    ' ',
  ),
);

/** @param mounts the mount table; read anew by default */
export function readCgroupLayout(mounts: readonly Mount[] = listMounts()): CgroupLayout {
  const controllers = new Map<string, string>();
  for (const { type, target, superOptions } of mounts) {
    if (type !== 'cgroup') continue;
    // Bind mounts of the same hierarchy elsewhere come later; the first is the one everybody uses.
    for (const option of superOptions) {
      if (V1_CONTROLLERS.has(option) && !controllers.has(option)) controllers.set(option, target);
    }
  }
  const unified = mounts.find(({ type }) => type === 'cgroup2')?.target;
  const systemd = existsSync('/run/systemd/system'); // sd_booted(3)
  if (controllers.size > 0)
    return { version: 1, hybrid: unified !== undefined, controllers, unified, systemd };
  if (unified !== undefined) {
    for (const name of readText(join(unified, 'cgroup.controllers')).split(/\s+/)) {
      if (name !== '') controllers.set(name, unified);
    }
  }
  return { version: 2, hybrid: false, controllers, unified, systemd };
}

export function readCgroupCapabilities(layout: CgroupLayout = readCgroupLayout()): CgroupCapabilities {
  const { controllers, version } = layout;
  const has = (controller: string, file: string) => {
    const directory = controllers.get(controller);
    return directory !== undefined && existsSync(join(directory, file));
  };
  if (version === 1) {
    return {
      memoryLimit: has('memory', 'memory.limit_in_bytes'),
      swapLimit: has('memory', 'memory.memsw.limit_in_bytes'),
      oomKillDisable: has('memory', 'memory.oom_control'),
      cpuCfsPeriod: has('cpu', 'cpu.cfs_period_us'),
      cpuCfsQuota: has('cpu', 'cpu.cfs_quota_us'),
      cpuShares: has('cpu', 'cpu.shares'),
      cpuSet: has('cpuset', 'cpuset.cpus'),
      pidsLimit: controllers.has('pids'),
      blkioWeight: has('blkio', 'blkio.weight') || has('blkio', 'blkio.bfq.io_service_bytes'),
      blkioThrottle: has('blkio', 'blkio.throttle.read_bps_device'),
    };
  }
  // The root of version 2 has no limits itself: the controller's presence decides, but for swap, which can be switched off
  // by itself (CONFIG_SWAP, swapaccount=0): /proc/swaps exists only with the former.
  const memory = controllers.has('memory');
  const cpu = controllers.has('cpu');
  return {
    memoryLimit: memory,
    swapLimit: memory && existsSync('/proc/swaps'),
    oomKillDisable: false,
    cpuCfsPeriod: cpu,
    cpuCfsQuota: cpu,
    cpuShares: cpu,
    cpuSet: controllers.has('cpuset'),
    pidsLimit: controllers.has('pids'),
    blkioWeight: controllers.has('io'),
    blkioThrottle: controllers.has('io'),
  };
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
