import { readText } from '../client/client.ts';
import { jsonLines } from '../client/json-lines.ts';
import { defineCommand } from '../command.ts';
import { columnsOf } from '../context.ts';
import { bool, list, text } from '../flags/flag.ts';
import { type ProgressMessage, showProgress } from '../format/progress.ts';
import { openFile } from './import.ts';
import { platforms } from './save.ts';

export const load = defineCommand({
  use: '[OPTIONS]',
  summary: 'Load an image from a tar archive or STDIN',
  aliases: ['bridgeport image load', 'bridgeport load'],
  args: { min: 0, max: 0 },
  flags: {
    input: text('Read from tar archive file, instead of STDIN', { short: 'i' }),
    quiet: bool('Suppress the load output', { short: 'q' }),
    platform: list(
      'Load only the given platform(s). Formatted as "os[/arch[/variant]]" (e.g., "linux/amd64")',
      {
        type: 'stringSlice',
      },
    ),
  },
  async run(context, { flags }) {
    const { client, io } = context;
    if (flags.input === '' && io.stdin.isTTY) {
      throw new Error('requested load from stdin, but stdin is empty');
    }
    const stream = flags.input === '' ? io.stdin : await openFile(flags.input);
    const response = await client.request('POST', '/images/load', {
      query: {
        quiet: flags.quiet || !io.stdout.isTTY ? true : '0',
        platform: platforms(flags.platform),
      },
      stream,
    });
    if (!response.headers['content-type']?.startsWith('application/json')) {
      context.out(await readText(response));
      return 0;
    }
    await showProgress(jsonLines<ProgressMessage>(response), io.stdout, {
      terminal: io.stdout.isTTY === true,
      width: columnsOf(io),
      now: context.now,
    });
    return 0;
  },
});
