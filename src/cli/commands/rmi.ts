import { isKind, messageOf } from '../../base/errors.ts';
import { defineCommand } from '../command.ts';
import { bool } from '../flags/flag.ts';
import { imagePath } from './tag.ts';

export const rmi = defineCommand({
  use: '[OPTIONS] IMAGE [IMAGE...]',
  summary: 'Remove one or more images',
  aliases: ['bridgeport image rm', 'bridgeport image remove', 'bridgeport rmi'],
  args: { min: 1 },
  flags: {
    force: bool('Force removal of the image', { short: 'f' }),
    'no-prune': bool('Do not delete untagged parents'),
  },
  async run(context, { flags, args }) {
    let failed = false;
    for (const name of args) {
      try {
        const changes = await context.client.json<Array<{ Untagged?: string; Deleted?: string }>>(
          'DELETE',
          `/images/${imagePath(name)}`,
          { query: { force: flags.force, noprune: flags['no-prune'] } },
        );
        for (const { Untagged, Deleted } of changes) {
          context.out(Deleted ? `Deleted: ${Deleted}\n` : `Untagged: ${Untagged}\n`);
        }
      } catch (error) {
        context.err(`${messageOf(error)}\n`);
        if (!flags.force || !isKind(error, 'not-found')) failed = true;
      }
    }
    return failed ? 1 : 0;
  },
});
