import { defineCommand } from '../command.ts';
import { containerFlags } from '../flags/container-flags.ts';
import { text } from '../flags/flag.ts';
import { parseRestartPolicy } from '../flags/limits.ts';
import { containerPath, forEachName } from './each.ts';

/** The flags of `run` that can be changed later. */
function flags() {
  const all = containerFlags({});
  return {
    'blkio-weight': all['blkio-weight'],
    'cpu-period': all['cpu-period'],
    'cpu-quota': all['cpu-quota'],
    'cpu-rt-period': all['cpu-rt-period'],
    'cpu-rt-runtime': all['cpu-rt-runtime'],
    'cpu-shares': all['cpu-shares'],
    cpus: all.cpus,
    'cpuset-cpus': all['cpuset-cpus'],
    'cpuset-mems': all['cpuset-mems'],
    memory: all.memory,
    'memory-reservation': all['memory-reservation'],
    'memory-swap': all['memory-swap'],
    'pids-limit': all['pids-limit'],
    restart: text('Restart policy to apply when a container exits'),
  };
}

export const update = defineCommand({
  use: '[OPTIONS] CONTAINER [CONTAINER...]',
  summary: 'Update configuration of one or more containers',
  aliases: ['bridgeport container update', 'bridgeport update'],
  args: { min: 1 },
  flags,
  async run(context, { flags: v, given, args }) {
    if (given.size === 0) {
      throw new Error('you must provide one or more flags when using this command');
    }
    const body = {
      BlkioWeight: v['blkio-weight'],
      CpuPeriod: v['cpu-period'],
      CpuQuota: v['cpu-quota'],
      CpuRealtimePeriod: v['cpu-rt-period'],
      CpuRealtimeRuntime: v['cpu-rt-runtime'],
      CpuShares: v['cpu-shares'],
      NanoCpus: v.cpus,
      CpusetCpus: v['cpuset-cpus'],
      CpusetMems: v['cpuset-mems'],
      Memory: v.memory,
      MemoryReservation: v['memory-reservation'],
      MemorySwap: v['memory-swap'],
      PidsLimit: given.has('pids-limit') ? v['pids-limit'] : undefined,
      RestartPolicy: parseRestartPolicy(v.restart),
    };
    const warnings: string[] = [];
    const code = await forEachName(context, args, async (name) => {
      const answer = await context.client.json<{ Warnings?: string[] | null }>(
        'POST',
        containerPath(name, 'update'),
        { body },
      );
      warnings.push(...(answer?.Warnings ?? []));
    });
    if (warnings.length > 0) context.err(`${warnings.join('\n')}\n`);
    return code;
  },
});
