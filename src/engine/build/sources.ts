/** What COPY and ADD name as their sources: found in the context, or in the files of another image. */

import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { posix } from 'node:path';
import { invalid, isKind } from '../../base/errors.ts';
import { drop, fstat, namesIn, reopen } from '../archive/handles.ts';
import { packTree } from '../archive/pack.ts';
import type { FileTree, HostFiles } from '../host-system.ts';
import { hasWildcard, patternOf } from './patterns.ts';

export interface Source {
  /** Absolute, in the tree. */
  path: string;
  isFolder: boolean;
  /** `file:` or `dir:`, and the digest of names, permissions, owners and content. */
  hash: string;
}

/**
 * @param named the instruction, for messages
 * @throws `invalid` for a source that is not there, or not in the tree
 */
export async function findSources(
  files: HostFiles,
  tree: FileTree,
  named: string,
  patterns: readonly string[],
): Promise<Source[]> {
  const found: Source[] = [];
  for (const pattern of patterns) {
    if (/^\.\.(\/|$)/.test(posix.normalize(pattern))) {
      throw invalid(`${named} failed: forbidden path outside the build context: ${pattern} ()`);
    }
    const path = posix.join('/', pattern);
    if (hasWildcard(path)) {
      for (const match of await expandPattern(files, tree, path)) {
        const source = await inspectSource(files, tree, match);
        if (source !== undefined) found.push(source);
      }
      continue;
    }
    const source = await inspectSource(files, tree, path);
    if (source === undefined) {
      throw invalid(
        `${named} failed: file not found in build context or excluded by .dockerignore: stat ${pattern}: file does not exist`,
      );
    }
    found.push(source);
  }
  if (found.length === 0) throw invalid(`${named} failed: no source files were specified`);
  return found;
}

/** One digest for all of them, in their order. */
export function hashOf(sources: readonly Source[]): string {
  const [first] = sources;
  if (first !== undefined && sources.length === 1) return first.hash;
  return `multi:${createHash('sha256')
    .update(sources.map(({ hash }) => hash).join(','))
    .digest('hex')}`;
}

/** Paths that fit, sorted; some of them may not be there. */
async function expandPattern(files: HostFiles, tree: FileTree, pattern: string): Promise<string[]> {
  let found = ['/'];
  for (const segment of pattern.split('/').filter(Boolean)) {
    if (!hasWildcard(segment)) {
      found = found.map((folder) => posix.join(folder, segment));
      continue;
    }
    const expression = patternOf(segment);
    const inner = await Promise.all(found.map((folder) => namesAt(files, tree, folder)));
    found = found.flatMap((folder, index) =>
      (inner[index] ?? []).filter((name) => expression.test(name)).map((name) => posix.join(folder, name)),
    );
  }
  return found;
}

/** None when it is no folder. */
async function namesAt(files: HostFiles, tree: FileTree, path: string): Promise<string[]> {
  const handle = await tryOpen(tree, path, files.O_PATH | constants.O_DIRECTORY);
  if (handle === undefined) return [];
  try {
    const fd = await reopen(handle);
    try {
      return (await namesIn(fd)).map(String);
    } finally {
      drop(fd);
    }
  } finally {
    drop(handle);
  }
}

async function inspectSource(files: HostFiles, tree: FileTree, path: string): Promise<Source | undefined> {
  const top = await tryOpen(tree, path, files.O_PATH);
  if (top === undefined) return undefined;
  try {
    const isFolder = (await fstat(top)).isDirectory();
    const hash = createHash('sha256');
    const name = isFolder ? '' : posix.basename(path);
    // When something was last changed makes no difference to Docker either.
    for await (const piece of packTree({ files, tree, top, name, mtime: 0 })) hash.update(piece);
    return { path, isFolder, hash: `${isFolder ? 'dir' : 'file'}:${hash.digest('hex')}` };
  } finally {
    drop(top);
  }
}

async function tryOpen(tree: FileTree, path: string, flags: number): Promise<number | undefined> {
  try {
    return await tree.open(path, flags);
  } catch (error) {
    if (isKind(error) && ['ENOENT', 'ENOTDIR', 'ELOOP'].includes(error.errno ?? '')) return undefined;
    throw error;
  }
}
