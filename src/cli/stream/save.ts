import { createWriteStream } from 'node:fs';
import { rename, rm, stat } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { copy } from '../client/demultiplex.ts';
import type { CliContext } from '../context.ts';

/**
 * Writes the body of an answer to the file `path`, which appears when it is complete, or to stdout when `path` is
 * empty. The request is made when it is clear that the output can be written.
 *
 * Throws an `Error` rather than write an archive to a terminal.
 */
export async function saveTo(
  context: CliContext,
  path: string,
  request: () => Promise<IncomingMessage>,
): Promise<void> {
  const { stdout } = context.io;
  if (path === '') {
    if (stdout.isTTY) throw new Error('cowardly refusing to save to a terminal. Use the -o flag or redirect');
    return copy(await request(), stdout);
  }
  const directory = dirname(path);
  if (
    !(await stat(directory).then(
      (found) => found.isDirectory(),
      () => false,
    ))
  ) {
    throw new Error(
      `failed to save image: invalid output path: stat ${directory}: no such file or directory`,
    );
  }
  const existing = await stat(path).catch(() => undefined);
  const response = await request();
  // A device or a pipe is written to, not replaced.
  if (existing && !existing.isFile()) return pipeline(response, createWriteStream(path));
  const temporary = join(directory, `.tmp-${basename(path)}-${process.pid}`);
  try {
    await pipeline(response, createWriteStream(temporary, { mode: 0o600 }));
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
