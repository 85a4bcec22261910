import { lstat, opendir } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Bytes of all regular files below a folder, each counted once however many names it has. What disappears meanwhile does not count; other
 * work goes on while it counts.
 *
 * @returns -1 when the folder cannot be read, as Docker says "not known"
 */
export async function treeSize(path: string): Promise<number> {
  const seen = new Set<string>();
  let size = 0;
  const folders = [path];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    try {
      for await (const entry of await opendir(folder)) {
        const inner = join(folder, entry.name);
        if (entry.isDirectory()) folders.push(inner);
        if (!entry.isFile()) continue;
        const stat = await lstat(inner).catch(ignoreMissing);
        if (stat === undefined) continue;
        if (stat.nlink > 1) {
          const key = `${stat.dev}:${stat.ino}`;
          if (seen.has(key)) continue;
          seen.add(key);
        }
        size += stat.size;
      }
    } catch (error) {
      if (folder === path) return -1;
      ignoreMissing(error);
    }
  }
  return size;
}

function ignoreMissing(error: unknown): undefined {
  const { code } = error as NodeJS.ErrnoException;
  if (code !== 'ENOENT' && code !== 'ENOTDIR') throw error;
}
