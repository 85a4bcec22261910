import { defineCommand } from '../command.ts';
import { alignColumns } from '../format/table.ts';
import { containerPath } from './each.ts';

export const top = defineCommand({
  use: 'CONTAINER [ps OPTIONS]',
  summary: 'Display the running processes of a container',
  aliases: ['bridgeport container top', 'bridgeport top'],
  args: { min: 1 },
  interspersed: false,
  flags: {},
  async run(context, { args: [name, ...options] }) {
    const list = await context.client.json<{ Titles: string[]; Processes: string[][] | null }>(
      'GET',
      containerPath(name!, 'top'),
      { query: { ps_args: options.join(' ') } },
    );
    const lines = [list.Titles, ...(list.Processes ?? [])].map((cells) => cells.join('\t'));
    context.out(alignColumns(`${lines.join('\n')}\n`, { minWidth: 20 }));
    return 0;
  },
});
