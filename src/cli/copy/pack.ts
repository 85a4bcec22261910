import { createReadStream } from 'node:fs';
import { lstat, readdir, readlink, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { type Header, type Pack, pack as tarPack } from 'tar-stream';

/** What is packed, and under which name. */
export interface PackOptions {
  /** The file or directory on this machine. */
  path: string;
  /** Its name in the archive; `.` for a directory whose content is meant. */
  name: string;
  /** Pack what a symbolic link at `path` points to. */
  followLink: boolean;
}

/** A tar stream of a file or a whole directory, with modes, owners, times and symbolic links as they are. */
export function packPath({ path, name, followLink }: PackOptions): Readable {
  const pack = tarPack();
  addPath(pack, path, name, followLink).then(
    () => pack.finalize(),
    (error: Error) => pack.destroy(error),
  );
  // tar-stream's streams are not Node's own; Node's are made of their chunks.
  return Readable.from(pack, { objectMode: false });
}

async function addPath(pack: Pack, path: string, name: string, follow: boolean): Promise<void> {
  const info = follow ? await stat(path) : await lstat(path);
  const header = {
    name,
    mode: info.mode & 0o7777,
    uid: info.uid,
    gid: info.gid,
    mtime: info.mtime,
  };
  if (info.isDirectory()) {
    await addEntry(pack, { ...header, name: `${name}/`, type: 'directory' });
    for (const child of (await readdir(path)).sort()) {
      await addPath(pack, join(path, child), name === '.' ? child : `${name}/${child}`, false);
    }
  } else if (info.isSymbolicLink()) {
    await addEntry(pack, { ...header, type: 'symlink', linkname: await readlink(path) });
  } else if (info.isFile()) {
    await addFile(pack, path, { ...header, type: 'file', size: info.size });
  }
  // Sockets cannot be archived; devices and pipes are left to the daemon's own image tools.
}

/** Exactly `size` bytes of the file: one that grows or shrinks meanwhile must not garble what follows it. */
async function addFile(
  pack: Pack,
  path: string,
  header: Partial<Header> & { name: string; size: number },
): Promise<void> {
  const finished = Promise.withResolvers<void>();
  const entry = pack.entry(header, (error) => (error ? finished.reject(error) : finished.resolve()));
  let left = header.size;
  if (left > 0) {
    for await (const chunk of createReadStream(path, { end: left - 1 })) {
      left -= (chunk as Buffer).length;
      if (!entry.write(chunk)) await new Promise<void>((resolve) => entry.once('drain', () => resolve()));
    }
  }
  if (left > 0) throw new Error(`${path} became shorter while it was copied`);
  entry.end(Buffer.alloc(0));
  await finished.promise;
}

function addEntry(pack: Pack, header: Partial<Header> & { name: string }): Promise<void> {
  return new Promise((resolve, reject) => {
    pack.entry(header, (error) => (error ? reject(error) : resolve()));
  });
}
