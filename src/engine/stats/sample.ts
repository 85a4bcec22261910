/** From what the kernel counted to one sample of `GET /containers/{id}/stats`. Pure. */

import type { ContainerStats, CpuStats, NetworkInterfaceStats } from '../../base/wire/index.ts';
import type { CgroupMetrics } from '../../runtime/containerd/client.ts';

export interface SampleInput {
  id: string;
  /** without a slash */
  name: string;
  metrics: CgroupMetrics;
  networks: Record<string, NetworkInterfaceStats> | undefined;
  /** nanoseconds that all processors together have been busy or idle since boot */
  systemCpu: number;
  onlineCpus: number;
  /** bytes of the machine: the limit of a container without one */
  totalMemory: number;
  read: string;
}

/** The preceding sample, or undefined for the first. */
export function statsSample(input: SampleInput, before: ContainerStats | undefined): ContainerStats {
  return {
    read: input.read,
    preread: before?.read ?? '0001-01-01T00:00:00Z',
    pids_stats: pids(input.metrics),
    blkio_stats: blkio(input.metrics),
    num_procs: 0,
    storage_stats: {},
    cpu_stats: cpu(input),
    precpu_stats: before?.cpu_stats ?? emptyCpu(),
    memory_stats: memory(input),
    name: `/${input.name}`,
    id: input.id,
    ...(input.networks === undefined ? {} : { networks: input.networks }),
  };
}

export function emptyCpu(): CpuStats {
  return {
    cpu_usage: { total_usage: 0, usage_in_kernelmode: 0, usage_in_usermode: 0 },
    throttling_data: { periods: 0, throttled_periods: 0, throttled_time: 0 },
  };
}

function cpu({ metrics, systemCpu, onlineCpus }: SampleInput): CpuStats {
  const result = { ...emptyCpu(), system_cpu_usage: systemCpu, online_cpus: onlineCpus };
  if (metrics.version === 1) {
    const { usage, throttling } = metrics.cpu ?? {};
    result.cpu_usage = {
      total_usage: usage?.total ?? 0,
      ...(usage?.perCpu?.length ? { percpu_usage: usage.perCpu } : {}),
      usage_in_kernelmode: usage?.kernel ?? 0,
      usage_in_usermode: usage?.user ?? 0,
    };
    result.throttling_data = {
      periods: throttling?.periods ?? 0,
      throttled_periods: throttling?.throttledPeriods ?? 0,
      throttled_time: throttling?.throttledTime ?? 0,
    };
    return result;
  }
  const usage = metrics.cpu;
  result.cpu_usage = {
    total_usage: (usage?.usageUsec ?? 0) * 1000,
    usage_in_kernelmode: (usage?.systemUsec ?? 0) * 1000,
    usage_in_usermode: (usage?.userUsec ?? 0) * 1000,
  };
  result.throttling_data = {
    periods: usage?.nrPeriods ?? 0,
    throttled_periods: usage?.nrThrottled ?? 0,
    throttled_time: (usage?.throttledUsec ?? 0) * 1000,
  };
  return result;
}

function memory({ metrics, totalMemory }: SampleInput): ContainerStats['memory_stats'] {
  const limitOf = (limit: number | undefined) => Math.min(limit || totalMemory, totalMemory);
  if (metrics.memory === undefined) return {};
  const counters = (fields: object) =>
    Object.fromEntries(Object.entries(fields).filter(([, value]) => typeof value === 'number')) as Record<
      string,
      number
    >;
  if (metrics.version === 1) {
    const { usage } = metrics.memory;
    return {
      usage: usage?.usage ?? 0,
      max_usage: usage?.max ?? 0,
      failcnt: usage?.failcnt ?? 0,
      limit: limitOf(usage?.limit),
      stats: counters(metrics.memory),
    };
  }
  const { usage, usageLimit } = metrics.memory;
  return { usage, limit: limitOf(usageLimit), stats: counters(metrics.memory) };
}

function pids(metrics: CgroupMetrics): ContainerStats['pids_stats'] {
  const { current, limit } = metrics.pids ?? {};
  return { ...(current === undefined ? {} : { current }), ...(limit ? { limit } : {}) };
}

interface BlkioEntry {
  major: number;
  minor: number;
  op: string;
  value: number;
}

function blkio(metrics: CgroupMetrics): Record<string, BlkioEntry[] | null> {
  const empty = {
    io_service_bytes_recursive: null,
    io_serviced_recursive: null,
    io_queue_recursive: null,
    io_service_time_recursive: null,
    io_wait_time_recursive: null,
    io_merged_recursive: null,
    io_time_recursive: null,
    sectors_recursive: null,
  };
  if (metrics.version === 1) {
    const entries = (list: BlkioEntry[] | undefined) =>
      (list ?? []).map(({ major, minor, op, value }) => ({ major, minor, op, value }));
    return {
      ...empty,
      io_service_bytes_recursive: entries(metrics.blkio?.ioServiceBytesRecursive),
      io_serviced_recursive: entries(metrics.blkio?.ioServicedRecursive),
    };
  }
  const usage = metrics.io?.usage ?? [];
  return {
    ...empty,
    io_service_bytes_recursive: usage.flatMap(({ major, minor, rbytes, wbytes }) => [
      { major, minor, op: 'read', value: rbytes },
      { major, minor, op: 'write', value: wbytes },
    ]),
    io_serviced_recursive: usage.flatMap(({ major, minor, rios, wios }) => [
      { major, minor, op: 'read', value: rios },
      { major, minor, op: 'write', value: wios },
    ]),
  };
}
