import { defineCommand } from '../command.ts';
import { bool } from '../flags/flag.ts';
import { containerPath, forEachName } from './each.ts';

export const rm = defineCommand({
  use: '[OPTIONS] CONTAINER [CONTAINER...]',
  summary: 'Remove one or more containers',
  aliases: ['bridgeport container rm', 'bridgeport container remove', 'bridgeport rm'],
  args: { min: 1 },
  flags: {
    volumes: bool('Remove anonymous volumes associated with the container', { short: 'v' }),
    link: bool('Remove the specified link', { short: 'l' }),
    force: bool('Force the removal of a running container (uses SIGKILL)', { short: 'f' }),
  },
  run: (context, { flags, args }) =>
    forEachName(
      context,
      args,
      async (given) => {
        const name = given.replace(/^\/+|\/+$/g, '');
        if (name === '') throw new Error('container name cannot be empty');
        const query = { v: flags.volumes, link: flags.link, force: flags.force };
        await context.client.text('DELETE', containerPath(name), { query });
      },
      { ignoreMissing: flags.force },
    ),
});
