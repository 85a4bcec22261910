import { defineCommand } from '../command.ts';
import { text } from '../flags/flag.ts';
import { saveTo } from '../stream/save.ts';
import { containerPath } from './each.ts';

export const exportContainer = defineCommand({
  use: '[OPTIONS] CONTAINER',
  summary: "Export a container's filesystem as a tar archive",
  aliases: ['bridgeport container export', 'bridgeport export'],
  args: { min: 1, max: 1 },
  flags: { output: text('Write to a file, instead of STDOUT', { short: 'o' }) },
  async run(context, { flags, args: [name] }) {
    await saveTo(context, flags.output, () => context.client.request('GET', containerPath(name!, 'export')));
    return 0;
  },
});
