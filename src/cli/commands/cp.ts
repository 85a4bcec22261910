import { lstat, stat } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { posix, resolve } from 'node:path';
import { Transform } from 'node:stream';
import { messageOf } from '../../base/errors.ts';
import { copy } from '../client/demultiplex.ts';
import { defineCommand } from '../command.ts';
import type { CliContext } from '../context.ts';
import { extractTo } from '../copy/extract.ts';
import { packPath } from '../copy/pack.ts';
import { baseName, type CopyEnd, copyPath, planCopy, wantsDirectory } from '../copy/paths.ts';
import { bool } from '../flags/flag.ts';
import { humanSize } from '../format/size.ts';
import { containerPath } from './each.ts';

/** Bits of Go's `os.FileMode`, which the daemon sends in `X-Docker-Container-Path-Stat`. */
const GO_MODE_DIR = 2 ** 31;
const GO_MODE_SYMLINK = 2 ** 27;

interface PathStat {
  name: string;
  mode: number;
  linkTarget: string;
}

interface CopyFlags {
  archive: boolean;
  'follow-link': boolean;
  quiet: boolean;
}

export const cp = defineCommand({
  use: '[OPTIONS] CONTAINER:SRC_PATH DEST_PATH|-\n\tbridgeport cp [OPTIONS] SRC_PATH|- CONTAINER:DEST_PATH',
  summary:
    "Copy files/folders between a container and the local filesystem\n\nUse '-' as the source to read a tar archive from stdin\nand extract it to a directory destination in a container.\nUse '-' as the destination to stream a tar archive of a\ncontainer source to stdout.",
  aliases: ['bridgeport container cp', 'bridgeport cp'],
  args: { min: 2, max: 2 },
  flags: {
    'follow-link': bool('Always follow symbol link in SRC_PATH', { short: 'L' }),
    archive: bool('Archive mode (copy all uid/gid information)', { short: 'a' }),
    quiet: bool(
      'Suppress progress output during copy. Progress output is automatically suppressed if no terminal is attached',
      { short: 'q' },
    ),
  },
  async run(context, { flags, given, args: [from = '', to = ''] }) {
    if (from === '') throw new Error('source can not be empty');
    if (to === '') throw new Error('destination can not be empty');
    const source = copyPath(from);
    const target = copyPath(to);
    if (source.container !== '' && target.container !== '') {
      throw new Error('copying between containers is not supported');
    }
    const quiet = given.has('quiet') ? flags.quiet : !context.io.stdout.isTTY;
    const options = { ...flags, quiet };
    if (source.container !== '') await copyOut(context, source.container, source.path, target.path, options);
    else if (target.container !== '')
      await copyIn(context, source.path, target.container, target.path, options);
    else throw new Error('must specify at least one container source');
    return 0;
  },
});

async function copyOut(
  context: CliContext,
  container: string,
  sourcePath: string,
  targetPath: string,
  flags: CopyFlags,
): Promise<void> {
  let path = sourcePath;
  if (flags['follow-link']) {
    const found = await pathStat(context, container, sourcePath).catch(() => undefined);
    if (found && isSymlink(found)) path = posix.resolve('/', posix.dirname(sourcePath), found.linkTarget);
  }
  if (targetPath === '-') {
    return copy(await openArchive(context, container, path), context.io.stdout);
  }
  const destination = await localEnd(targetPath, true);
  if (!destination.exists) await requireParent(destination.path);
  const response = await openArchive(context, container, path);
  const { mode } = decodeStat(response);
  const source = { path, exists: true, isDirectory: mode >= GO_MODE_DIR };
  const plan = planCopy(source, destination);
  // What a link pointed to arrives under its own name, and is wanted under the link's.
  if (path !== sourcePath && plan.rename === undefined) {
    plan.rename = { from: baseName(path), to: baseName(sourcePath) };
  }
  const counter = new ByteCounter();
  await extractTo(response.pipe(counter), { plan, keepOwner: flags.archive });
  if (!flags.quiet) {
    context.err(`Successfully copied ${humanSize(counter.bytes, 3)} to ${destination.path}\n`);
  }
}

async function copyIn(
  context: CliContext,
  sourcePath: string,
  container: string,
  targetPath: string,
  flags: CopyFlags,
): Promise<void> {
  const destination = await containerEnd(context, container, targetPath);
  const upload = (directory: string, stream: NodeJS.ReadableStream) =>
    context.client.text('PUT', containerPath(container, 'archive'), {
      query: { path: directory, noOverwriteDirNonDir: 'true', copyUIDGID: flags.archive },
      stream,
    });
  if (sourcePath === '-') {
    if (!destination.isDirectory) {
      throw new Error(`destination "${container}:${targetPath}" must be a directory`);
    }
    await upload(destination.path, context.io.stdin);
    return;
  }
  const source = await localEnd(sourcePath, flags['follow-link']);
  if (!source.exists) throw new Error(`lstat ${source.path}: no such file or directory`);
  if (wantsDirectory(sourcePath) && !source.isDirectory) throw new Error('not a directory');
  const { directory, rename } = planCopy(source, destination);
  const counter = new ByteCounter();
  const packed = packPath({
    path: source.path,
    name: rename?.to ?? baseName(source.path),
    followLink: flags['follow-link'] || wantsDirectory(sourcePath),
  });
  packed.once('error', (error: Error) => counter.destroy(error));
  await upload(directory, packed.pipe(counter));
  if (!flags.quiet) {
    context.err(`Successfully copied ${humanSize(counter.bytes, 3)} to ${container}:${destination.path}\n`);
  }
}

class ByteCounter extends Transform {
  bytes = 0;

  override _transform(chunk: Buffer, _encoding: string, done: (error: null, chunk: Buffer) => void): void {
    this.bytes += chunk.length;
    done(null, chunk);
  }
}

function openArchive(context: CliContext, container: string, path: string): Promise<IncomingMessage> {
  return context.client.request('GET', containerPath(container, 'archive'), { query: { path } });
}

async function pathStat(context: CliContext, container: string, path: string): Promise<PathStat> {
  const response = await context.client.request('HEAD', containerPath(container, 'archive'), {
    query: { path },
  });
  response.resume();
  return decodeStat(response);
}

function decodeStat(response: IncomingMessage): PathStat {
  const header = response.headers['x-docker-container-path-stat'];
  if (typeof header !== 'string')
    throw new Error('unable to decode container path stat header: it is missing');
  try {
    return JSON.parse(Buffer.from(header, 'base64').toString('utf8')) as PathStat;
  } catch (error) {
    throw new Error(`unable to decode container path stat header: ${messageOf(error)}`);
  }
}

const isSymlink = ({ mode }: PathStat) => Math.floor(mode / GO_MODE_SYMLINK) % 2 === 1;

/** The end of a copy in a container; a symbolic link is followed, for a copy goes where it leads. */
async function containerEnd(context: CliContext, container: string, path: string): Promise<CopyEnd> {
  let real = path;
  let found = await pathStat(context, container, path).catch(() => undefined);
  if (found && isSymlink(found)) {
    real = posix.resolve('/', posix.dirname(path), found.linkTarget);
    found = await pathStat(context, container, real).catch(() => undefined);
  }
  return {
    path: real,
    exists: found !== undefined,
    isDirectory: found !== undefined && found.mode >= GO_MODE_DIR,
  };
}

/** An end of a copy on this machine. A link is followed when asked to, or when its name says "directory". */
async function localEnd(typed: string, follow: boolean): Promise<CopyEnd> {
  const look = follow || wantsDirectory(typed) ? stat : lstat;
  const found = await look(typed.replace(/(?<=.)\/\.?$/, '')).catch(() => undefined);
  // `resolve` drops what says "the content of" or "a directory".
  const suffix = typed.endsWith('/.') || typed === '.' ? '/.' : typed.endsWith('/') ? '/' : '';
  return {
    path: resolve(typed) + (typed === '/' ? '' : suffix),
    exists: found !== undefined,
    isDirectory: found?.isDirectory() ?? false,
  };
}

async function requireParent(path: string): Promise<void> {
  const parent = posix.dirname(path.replace(/\/\.?$/, ''));
  const found = await stat(parent).catch(() => undefined);
  if (!found?.isDirectory()) {
    throw new Error(`invalid output path: directory ${JSON.stringify(parent)} does not exist`);
  }
}
