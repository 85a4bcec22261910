import { shortId } from './ids.ts';
import type { ListView, Row } from './list.ts';
import { binarySize, humanSize } from './size.ts';

/** `GET /containers/{id}/stats`, as far as it is read. */
export interface StatsAnswer {
  id?: string;
  name?: string;
  cpu_stats?: CpuStats;
  precpu_stats?: CpuStats;
  memory_stats?: { usage?: number; limit?: number; stats?: Record<string, number> };
  pids_stats?: { current?: number };
  networks?: Record<string, { rx_bytes: number; tx_bytes: number }> | null;
  blkio_stats?: { io_service_bytes_recursive?: Array<{ op: string; value: number }> | null };
}

interface CpuStats {
  cpu_usage?: { total_usage?: number; percpu_usage?: number[] | null };
  system_cpu_usage?: number;
  online_cpus?: number;
}

/** One reading of a container, or only its name while there is none. */
export interface Sample {
  Container: string;
  id?: string;
  name?: string;
  values?: {
    cpuPercent: number;
    memory: number;
    memoryLimit: number;
    netRx: number;
    netTx: number;
    blockRead: number;
    blockWrite: number;
    pids: number;
  };
}

/** Works out the shown figures of an answer. */
export function sample(container: string, answer: StatsAnswer): Sample {
  const { id, name, networks, memory_stats: memory } = answer;
  const nets = Object.values(networks ?? {});
  const blocks = answer.blkio_stats?.io_service_bytes_recursive ?? [];
  const moved = (letter: string) =>
    blocks.filter(({ op }) => op[0]?.toLowerCase() === letter).reduce((sum, { value }) => sum + value, 0);
  return {
    Container: container,
    ...(id === undefined ? {} : { id }),
    ...(name === undefined ? {} : { name }),
    values: {
      cpuPercent: cpuPercent(answer),
      memory: memoryWithoutCache(memory),
      memoryLimit: memory?.limit ?? 0,
      netRx: nets.reduce((sum, net) => sum + net.rx_bytes, 0),
      netTx: nets.reduce((sum, net) => sum + net.tx_bytes, 0),
      blockRead: moved('r'),
      blockWrite: moved('w'),
      pids: answer.pids_stats?.current ?? 0,
    },
  };
}

/** Share of one CPU: two busy CPUs are 200 %. */
function cpuPercent({ cpu_stats: now, precpu_stats: before }: StatsAnswer): number {
  const used = (now?.cpu_usage?.total_usage ?? 0) - (before?.cpu_usage?.total_usage ?? 0);
  const system = (now?.system_cpu_usage ?? 0) - (before?.system_cpu_usage ?? 0);
  const cpus = now?.online_cpus || (now?.cpu_usage?.percpu_usage?.length ?? 0);
  return used > 0 && system > 0 ? (used / system) * cpus * 100 : 0;
}

/** What is used apart from file cache that could be dropped; cgroup v1 and v2 name it differently. */
function memoryWithoutCache(memory: StatsAnswer['memory_stats']): number {
  const usage = memory?.usage ?? 0;
  const cache = memory?.stats?.total_inactive_file ?? memory?.stats?.inactive_file ?? 0;
  return cache < usage ? usage - cache : usage;
}

/** The columns of `stats`. */
export const statsView: ListView = {
  type: '*container.statsContext',
  table: '{{.ID}}\t{{.Name}}\t{{.CPUPerc}}\t{{.MemUsage}}\t{{.MemPerc}}\t{{.NetIO}}\t{{.BlockIO}}\t{{.PIDs}}',
  headers: {
    Container: 'CONTAINER',
    Name: 'NAME',
    ID: 'CONTAINER ID',
    CPUPerc: 'CPU %',
    MemUsage: 'MEM USAGE / LIMIT',
    MemPerc: 'MEM %',
    NetIO: 'NET I/O',
    BlockIO: 'BLOCK I/O',
    PIDs: 'PIDS',
  },
};

/** One row of `stats`. */
export function statsRow({ Container, id, name, values: v }: Sample, trunc: boolean): Row {
  const percent = (value: number) => `${value.toFixed(2)}%`;
  const pair = (a: number, b: number, format: (bytes: number) => string) => `${format(a)} / ${format(b)}`;
  const decimal = (bytes: number) => humanSize(bytes, 3);
  return {
    Container,
    Name: name?.replace(/^\//, '') || '--',
    ID: trunc ? shortId(id ?? '') : (id ?? ''),
    CPUPerc: v ? percent(v.cpuPercent) : '--',
    MemUsage: v ? pair(v.memory, v.memoryLimit, binarySize) : '-- / --',
    MemPerc: v ? percent(v.memoryLimit > 0 ? (v.memory / v.memoryLimit) * 100 : 0) : '--',
    NetIO: v ? pair(v.netRx, v.netTx, decimal) : '--',
    BlockIO: v ? pair(v.blockRead, v.blockWrite, decimal) : '--',
    PIDs: v ? String(v.pids) : '--',
  };
}
