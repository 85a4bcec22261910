import { defineCommand } from '../command.ts';
import { text } from '../flags/flag.ts';
import { containerPath, forEachName } from './each.ts';

export const kill = defineCommand({
  use: '[OPTIONS] CONTAINER [CONTAINER...]',
  summary: 'Kill one or more running containers',
  aliases: ['bridgeport container kill', 'bridgeport kill'],
  args: { min: 1 },
  flags: { signal: text('Signal to send to the container', { short: 's' }) },
  run: (context, { flags: { signal }, args }) =>
    forEachName(context, args, (name) =>
      context.client.text('POST', containerPath(name, 'kill'), { query: { signal } }),
    ),
});
