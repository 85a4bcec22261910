import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** Bytes of all regular files below a folder; what disappears meanwhile does not count. */
export function folderSize(path: string): number {
  let size = 0;
  const folders = [path];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    try {
      for (const entry of readdirSync(folder, { withFileTypes: true })) {
        const inner = join(folder, entry.name);
        if (entry.isDirectory()) folders.push(inner);
        else if (entry.isFile()) size += lstatSync(inner).size;
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  return size;
}
