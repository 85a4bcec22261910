/** Limits that contradict each other or the machine. */

import { invalid } from '../../base/errors.ts';
import type { Resources } from '../../base/wire/index.ts';

/** Memory limits below this cannot even start a process; Docker's own minimum. Bytes. */
const MINIMUM_MEMORY = 6 * 1024 * 1024;

/** Throws `invalid` for limits that contradict each other, in Docker's words. */
export function checkResources(limits: Resources, cpus: number): void {
  if (limits.Memory !== 0 && limits.Memory < MINIMUM_MEMORY) {
    throw invalid('Minimum memory limit allowed is 6MB');
  }
  if (limits.Memory > 0 && limits.MemorySwap > 0 && limits.MemorySwap < limits.Memory) {
    throw invalid('Minimum memoryswap limit should be larger than memory limit, see usage');
  }
  if (limits.Memory === 0 && limits.MemorySwap > 0) {
    throw invalid('You should always set the Memory limit when using Memoryswap limit, see usage');
  }
  if (limits.MemoryReservation > 0 && limits.MemoryReservation < MINIMUM_MEMORY) {
    throw invalid('Minimum memory reservation allowed is 6MB');
  }
  if (limits.Memory > 0 && limits.MemoryReservation > limits.Memory) {
    throw invalid('Minimum memory limit can not be less than memory reservation limit, see usage');
  }
  const swappiness = limits.MemorySwappiness;
  if (swappiness !== null && swappiness !== -1 && (swappiness < 0 || swappiness > 100)) {
    throw invalid(`Invalid value: ${swappiness}, valid memory swappiness range is 0-100`);
  }
  if (limits.NanoCpus > 0 && limits.CpuPeriod > 0) {
    throw invalid('Conflicting options: Nano CPUs and CPU Period cannot both be set');
  }
  if (limits.NanoCpus > 0 && limits.CpuQuota > 0) {
    throw invalid('Conflicting options: Nano CPUs and CPU Quota cannot both be set');
  }
  if (limits.NanoCpus < 0 || limits.NanoCpus > cpus * 1e9) {
    throw invalid(
      `Range of CPUs is from 0.01 to ${cpus.toFixed(2)}, as there are only ${cpus} CPUs available`,
    );
  }
  if (limits.CpuPeriod !== 0 && (limits.CpuPeriod < 1000 || limits.CpuPeriod > 1_000_000)) {
    throw invalid('CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)');
  }
  if (limits.CpuQuota > 0 && limits.CpuQuota < 1000) {
    throw invalid('CPU cfs quota can not be less than 1ms (i.e. 1000)');
  }
  checkCpuList(limits.CpusetCpus, 'CPUs', cpus);
  checkCpuList(limits.CpusetMems, 'memory nodes', undefined);
  if (limits.BlkioWeight !== 0 && (limits.BlkioWeight < 10 || limits.BlkioWeight > 1000)) {
    throw invalid('Range of blkio weight is from 10 to 1000');
  }
}

function checkCpuList(text: string, what: string, count: number | undefined): void {
  if (text === '') return;
  const field = what === 'CPUs' ? 'cpuset cpus' : 'cpuset mems';
  const ends = text.split(',').map((part) => {
    const match = /^(\d+)(?:-(\d+))?$/.exec(part);
    if (match === null) throw invalid(`Invalid value ${text} for ${field}`);
    return Number(match[2] ?? match[1]);
  });
  for (const last of ends) {
    if (count !== undefined && last >= count) {
      throw invalid(`Requested ${what} are not available - requested ${text}, available: 0-${count - 1}`);
    }
  }
}
