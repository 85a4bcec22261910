import { defineCommand } from '../command.ts';
import { containerPath, forEachName } from './each.ts';

export const pause = defineCommand({
  use: 'CONTAINER [CONTAINER...]',
  summary: 'Pause all processes within one or more containers',
  aliases: ['bridgeport container pause', 'bridgeport pause'],
  args: { min: 1 },
  flags: {},
  run: (context, { args }) =>
    forEachName(context, args, (name) => context.client.text('POST', containerPath(name, 'pause'))),
});

export const unpause = defineCommand({
  use: 'CONTAINER [CONTAINER...]',
  summary: 'Unpause all processes within one or more containers',
  aliases: ['bridgeport container unpause', 'bridgeport unpause'],
  args: { min: 1 },
  flags: {},
  run: (context, { args }) =>
    forEachName(context, args, (name) => context.client.text('POST', containerPath(name, 'unpause'))),
});
