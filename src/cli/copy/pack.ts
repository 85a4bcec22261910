import { createReadStream } from 'node:fs';
import { lstat, readdir, readlink, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import tar from 'tar-stream';

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
export function packPath({ path, name, followLink }: PackOptions): NodeJS.ReadableStream {
  const pack = tar.pack();
  addPath(pack, path, name, followLink).then(
    () => pack.finalize(),
    (error: Error) => pack.destroy(error),
  );
  return pack;
}

async function addPath(pack: tar.Pack, path: string, name: string, follow: boolean): Promise<void> {
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
    const entry = pack.entry({ ...header, type: 'file', size: info.size });
    // A file that grows while it is read must not overrun the length that was announced.
    const end = Math.max(0, info.size - 1);
    if (info.size === 0) entry.end();
    else await pipeline(createReadStream(path, { end }), entry);
  }
  // Sockets cannot be archived; devices and pipes are left to the daemon's own image tools.
}

function addEntry(pack: tar.Pack, header: tar.Headers): Promise<void> {
  return new Promise((resolve, reject) => {
    pack.entry(header, (error) => (error ? reject(error) : resolve()));
  });
}
