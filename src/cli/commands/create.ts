import { defineCommand } from '../command.ts';
import { containerFlags } from '../flags/container-flags.ts';
import { bodyOf, createContainer, createFlags } from './create-container.ts';

export const create = defineCommand({
  use: '[OPTIONS] IMAGE [COMMAND] [ARG...]',
  summary: 'Create a new container',
  aliases: ['bridgeport container create', 'bridgeport create'],
  args: { min: 1 },
  interspersed: false,
  flags: ({ env }) => ({ ...containerFlags(env), ...createFlags }),
  async run(context, { flags, given, args, path }) {
    const body = bodyOf(context, path, flags, given, args);
    context.out(`${await createContainer(context, body, flags)}\n`);
    return 0;
  },
});
