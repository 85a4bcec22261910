import { messageOf } from '../../base/errors.ts';
import { defineCommand } from '../command.ts';
import { containerPath } from './each.ts';

export const wait = defineCommand({
  use: 'CONTAINER [CONTAINER...]',
  summary: 'Block until one or more containers stop, then print their exit codes',
  aliases: ['bridgeport container wait', 'bridgeport wait'],
  args: { min: 1 },
  flags: {},
  async run(context, { args }) {
    let failed = false;
    for (const name of args) {
      try {
        const answer = await context.client.json<{
          StatusCode: number;
          Error?: { Message: string } | null;
        }>('POST', containerPath(name, 'wait'));
        if (answer.Error?.Message) throw new Error(answer.Error.Message);
        context.out(`${answer.StatusCode}\n`);
      } catch (error) {
        context.err(`${messageOf(error)}\n`);
        failed = true;
      }
    }
    return failed ? 1 : 0;
  },
});
