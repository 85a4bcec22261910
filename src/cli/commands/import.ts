import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { jsonLines } from '../client/json-lines.ts';
import { defineCommand } from '../command.ts';
import { columnsOf } from '../context.ts';
import { list, text } from '../flags/flag.ts';
import { type ProgressMessage, showProgress } from '../format/progress.ts';

export const importImage = defineCommand({
  use: '[OPTIONS] file|URL|- [REPOSITORY[:TAG]]',
  summary: 'Import the contents from a tarball to create a filesystem image',
  aliases: ['bridgeport image import', 'bridgeport import'],
  args: { min: 1, max: 2 },
  flags: {
    change: list('Apply Dockerfile instruction to the created image', { short: 'c' }),
    message: text('Set commit message for imported image', { short: 'm' }),
    platform: text('Set platform if server is multi-platform capable'),
  },
  async run(context, { flags, args: [source, reference] }) {
    const { client, io } = context;
    const isUrl = /^https?:\/\//.test(source!);
    const stream = source === '-' ? io.stdin : isUrl ? undefined : await openFile(source!);
    const response = await client.request('POST', '/images/create', {
      query: {
        fromSrc: stream ? '-' : source,
        repo: reference,
        message: flags.message,
        changes: flags.change,
        platform: flags.platform.toLowerCase(),
      },
      stream,
    });
    await showProgress(jsonLines<ProgressMessage>(response), io.stdout, {
      terminal: io.stdout.isTTY === true,
      width: columnsOf(io),
      now: context.now,
    });
    return 0;
  },
});

/** Opens a file for sending, and says what is wrong with its name before the daemon is bothered. */
export async function openFile(path: string): Promise<NodeJS.ReadableStream> {
  try {
    if ((await stat(path)).isDirectory()) throw new Error(`read ${path}: is a directory`);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw new Error(`open ${path}: no such file or directory`);
    throw error;
  }
  return createReadStream(path, { highWaterMark: 1 << 20 });
}
