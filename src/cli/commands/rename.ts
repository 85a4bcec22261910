import { messageOf } from '../../base/errors.ts';
import { defineCommand } from '../command.ts';
import { containerPath } from './each.ts';

export const rename = defineCommand({
  use: 'CONTAINER NEW_NAME',
  summary: 'Rename a container',
  aliases: ['bridgeport container rename', 'bridgeport rename'],
  args: { min: 2, max: 2 },
  flags: {},
  async run(context, { args: [from = '', to = ''] }) {
    if (from.trim() === '' || to.trim() === '') {
      throw new Error('Error: Neither old nor new names may be empty');
    }
    try {
      await context.client.text('POST', containerPath(from, 'rename'), { query: { name: to } });
    } catch (error) {
      throw new Error(`${messageOf(error)}\nError: failed to rename container named ${from}`);
    }
    return 0;
  },
});
