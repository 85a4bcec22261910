/** cgroup limits: from Docker's fields to the OCI ones. */

import { statSync } from 'node:fs';
import { invalid } from '../../base/errors.ts';
import type { Resources } from '../../base/wire/index.ts';
import type { OciResources, OciThrottle } from './oci.ts';

const CPU_PERIOD = 100_000;

/** The limits without device rules; members that are not set are absent, so that the same function serves `update`. */
export function ociResources(limits: Resources): OciResources {
  const result: OciResources = {};
  const memory: NonNullable<OciResources['memory']> = {};
  if (limits.Memory > 0) memory.limit = limits.Memory;
  if (limits.MemoryReservation > 0) memory.reservation = limits.MemoryReservation;
  if (limits.MemorySwap !== 0) memory.swap = limits.MemorySwap;
  else if (limits.Memory > 0) memory.swap = limits.Memory * 2;
  if (limits.MemorySwappiness !== null && limits.MemorySwappiness >= 0)
    memory.swappiness = limits.MemorySwappiness;
  if (limits.OomKillDisable === true) memory.disableOOMKiller = true;
  if (Object.keys(memory).length > 0) result.memory = memory;

  const cpu: NonNullable<OciResources['cpu']> = {};
  if (limits.CpuShares > 0) cpu.shares = limits.CpuShares;
  if (limits.NanoCpus > 0) {
    cpu.period = CPU_PERIOD;
    cpu.quota = Math.round((limits.NanoCpus * CPU_PERIOD) / 1e9);
  }
  if (limits.CpuPeriod > 0) cpu.period = limits.CpuPeriod;
  if (limits.CpuQuota !== 0) cpu.quota = limits.CpuQuota;
  if (limits.CpuRealtimePeriod > 0) cpu.realtimePeriod = limits.CpuRealtimePeriod;
  if (limits.CpuRealtimeRuntime > 0) cpu.realtimeRuntime = limits.CpuRealtimeRuntime;
  if (limits.CpusetCpus !== '') cpu.cpus = limits.CpusetCpus;
  if (limits.CpusetMems !== '') cpu.mems = limits.CpusetMems;
  if (Object.keys(cpu).length > 0) result.cpu = cpu;

  if (limits.PidsLimit !== null && limits.PidsLimit !== 0) result.pids = { limit: limits.PidsLimit };

  const blockIO: NonNullable<OciResources['blockIO']> = {};
  if (limits.BlkioWeight > 0) blockIO.weight = limits.BlkioWeight;
  const weights = limits.BlkioWeightDevice ?? [];
  if (weights.length > 0) {
    blockIO.weightDevice = weights.map((device) => ({ ...blockDevice(device.Path), weight: device.Weight }));
  }
  const throttle = (devices: Resources['BlkioDeviceReadBps']): OciThrottle[] | undefined =>
    devices === null || devices.length === 0
      ? undefined
      : devices.map((device) => ({ ...blockDevice(device.Path), rate: device.Rate }));
  const throttles = {
    throttleReadBpsDevice: throttle(limits.BlkioDeviceReadBps),
    throttleWriteBpsDevice: throttle(limits.BlkioDeviceWriteBps),
    throttleReadIOPSDevice: throttle(limits.BlkioDeviceReadIOps),
    throttleWriteIOPSDevice: throttle(limits.BlkioDeviceWriteIOps),
  };
  for (const [name, value] of Object.entries(throttles)) {
    if (value !== undefined) blockIO[name as keyof typeof throttles] = value;
  }
  if (Object.keys(blockIO).length > 0) result.blockIO = blockIO;
  return result;
}

/** stat(2)'s `st_rdev` taken apart as glibc's gnu_dev_major/minor do. */
export function deviceNumbers(rdev: number): { major: number; minor: number } {
  const device = BigInt(rdev);
  return {
    major: Number(((device >> 8n) & 0xfffn) | ((device >> 32n) & ~0xfffn)),
    minor: Number((device & 0xffn) | ((device >> 12n) & ~0xffn & 0xffffffffn)),
  };
}

function blockDevice(path: string): { major: number; minor: number } {
  let stat: ReturnType<typeof statSync>;
  try {
    stat = statSync(path);
  } catch (cause) {
    throw invalid(`limit block device "${path}": no such device`, { cause });
  }
  if (!stat.isBlockDevice()) throw invalid(`limit block device "${path}": it is not a block device`);
  return deviceNumbers(Number(stat.rdev));
}
