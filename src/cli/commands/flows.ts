import type { FlowLine } from '../../base/wire/flow.ts';
import { jsonLines } from '../client/json-lines.ts';
import { defineCommand } from '../command.ts';
import { observeStream } from '../explain/observe.ts';
import { bool } from '../flags/flag.ts';
import { flowLine } from '../observe/flow-line.ts';

export const flows = defineCommand({
  use: '[OPTIONS] [CONTAINER]',
  summary:
    'Show connections with the names of containers and translation undone\n\nWithout --follow, the connections that there are. With it, those that begin and end, and packets that rules drop.',
  args: { min: 0, max: 1 },
  flags: {
    follow: bool('Follow what happens from now on', { short: 'f' }),
    'no-drops': bool('Do not look for packets that rules drop (with --follow)'),
    json: bool('Print JSON, a value a line'),
  },
  async run(context, { flags, args: [container] }) {
    const response = await observeStream(context, '/bridgeport/flows', {
      follow: flags.follow ? '1' : '0',
      drops: flags['no-drops'] ? '0' : '1',
      container,
    });
    for await (const line of jsonLines<FlowLine>(response)) {
      context.out(`${flags.json ? JSON.stringify(line) : flowLine(line)}\n`);
    }
    return 0;
  },
});
