import { createWriteStream } from 'node:fs';
import { chmod, lchown, link, lstat, mkdir, realpath, rm, symlink, utimes } from 'node:fs/promises';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Header, extract as tarExtract } from 'tar-stream';
import { type CopyPlan, renamed } from './paths.ts';

/** How an archive from a container is unpacked. */
export interface ExtractOptions {
  plan: CopyPlan;
  /** Keep the owners of the archive (`-a`); they are ours otherwise. */
  keepOwner: boolean;
}

/**
 * Unpacks a tar stream into `plan.directory`, which must exist. Nothing is written outside of it: an archive comes from
 * a container, which may be hostile, so names that climb out and links that lead out are refused.
 *
 * Throws an `Error` naming the entry.
 */
export async function extractTo(source: Readable, { plan, keepOwner }: ExtractOptions): Promise<void> {
  const root = await realpath(plan.directory);
  const extract = tarExtract();
  const directories: Array<{ path: string; mtime: Date | undefined; mode: number }> = [];
  source.once('error', (error) => extract.destroy(error));
  source.pipe(extract as unknown as NodeJS.WritableStream);
  for await (const entry of extract) {
    const { header } = entry;
    const target = await placeFor(root, renamed(header.name, plan.rename));
    await write(entry, target, root, plan);
    if (keepOwner) await lchown(target, header.uid ?? 0, header.gid ?? 0);
    if (header.type === 'directory') {
      directories.push({ path: target, mtime: header.mtime, mode: header.mode ?? 0o755 });
    } else if (header.type === 'file') {
      // After the owner: changing it clears set-id bits.
      await chmod(target, header.mode ?? 0o644);
      if (header.mtime) await utimes(target, header.mtime, header.mtime);
    }
    entry.resume();
  }
  // Writing into a directory changes its time, and a read-only one could not be written into.
  for (const { path, mtime, mode } of directories.reverse()) {
    await chmod(path, mode);
    if (mtime) await utimes(path, mtime, mtime);
  }
}

/** What is read of an entry of an archive. */
type Entry = AsyncIterable<unknown> & { header: Header };

async function write(entry: Entry, target: string, root: string, plan: CopyPlan): Promise<void> {
  const { type, name, linkname = '' } = entry.header;
  const existing = await lstat(target).catch(() => undefined);
  if (type === 'directory') {
    if (existing?.isDirectory()) return;
    if (existing) throw new Error(`cannot overwrite non-directory ${JSON.stringify(target)} with directory`);
    await mkdir(target);
    return;
  }
  if (existing?.isDirectory()) {
    throw new Error(`cannot overwrite directory ${JSON.stringify(target)} with non-directory`);
  }
  if (existing) await rm(target);
  if (type === 'file' || type === 'contiguous-file') {
    await pipeline(
      Readable.from(entry, { objectMode: false }),
      createWriteStream(target, { mode: 0o600, flags: 'wx' }),
    );
  } else if (type === 'symlink') await symlink(linkname, target);
  else if (type === 'link') await link(await placeFor(root, renamed(linkname, plan.rename)), target);
  else throw new Error(`copy of ${type} ${JSON.stringify(name)} is not supported`);
}

/** The absolute path for an entry, whose parent directory exists and lies within `root`. */
async function placeFor(root: string, name: string): Promise<string> {
  const wanted = resolve(join(root, name));
  if (wanted === root) return root;
  if (!wanted.startsWith(root === sep ? sep : root + sep)) throw outside(name);
  const parent = dirname(wanted);
  await mkdir(parent, { recursive: true });
  const real = await realpath(parent);
  if (real !== root && !real.startsWith(root === sep ? sep : root + sep)) throw outside(name);
  return join(real, basename(wanted));
}

const outside = (name: string) =>
  new Error(`refusing to extract ${JSON.stringify(name)}: it lies outside of the destination`);
