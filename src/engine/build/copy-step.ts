/** COPY and ADD: files of the context, of an earlier stage or of another image become a layer. WORKDIR makes a folder the same way. */

import { posix } from 'node:path';
import { invalid, notImplemented } from '../../base/errors.ts';
import { packLayer } from '../archive/layer.ts';
import type { FileTree } from '../host-system.ts';
import { jsonWords } from '../images/changes.ts';
import type { Draft } from '../images/derive.ts';
import { splitWords } from '../images/words.ts';
import { layerFolders, readRootfsFile } from '../rootfs/layers.ts';
import { resolveUser } from '../rootfs/user.ts';
import { copySources, folderAt, parseMode } from './copy.ts';
import { type Instruction, parseError } from './dockerfile.ts';
import { openSnapshot } from './file-trees.ts';
import { findSources, hashOf } from './sources.ts';
import {
  type Build,
  commentCommand,
  expandIn,
  platformOf,
  type StageState,
  type StepImage,
  takeStep,
} from './stage.ts';

const FLAGS: Readonly<Record<string, readonly string[]>> = {
  COPY: ['from', 'chown', 'chmod'],
  ADD: ['chown', 'chmod'],
};

export async function copyStep(build: Build, state: StageState, instruction: Instruction): Promise<void> {
  const { name, flags, line } = instruction;
  const unknown = [...flags.keys()].find((flag) => !FLAGS[name]?.includes(flag));
  if (unknown !== undefined) throw notImplemented(`${name} --${unknown} (BuildKit)`);
  const words = wordsOf(build, state, instruction);
  const destination = destinationOf(state, words.pop() ?? '');
  if (words.length === 0) throw parseError(line, `${name} requires at least two arguments`);
  if (words.length > 1 && !destination.endsWith('/')) {
    throw invalid(
      `When using ${name} with more than one source file, the destination must be a directory and end with a /`,
    );
  }
  const url = name === 'ADD' ? words.find((word) => /^(https?|ftp|git):\/\//.test(word)) : undefined;
  if (url !== undefined)
    throw notImplemented(`ADD ${url}: fetching from a URL`, 'fetch it with RUN, or COPY it');
  const flag = (key: string) => expandIn(state, flags.get(key) ?? '');
  const [from, chown, chmod] = [flag('from'), flag('chown'), flag('chmod')];
  const mode = chmod === '' ? undefined : parseMode(chmod);
  const { host } = build.context;
  await withFilesOf(build, from, async (tree) => {
    const sources = await findSources(host.files, tree, name, words);
    // Where the files are from says nothing that they do not say themselves.
    const shownFlags = [...flags]
      .filter(([key]) => key !== 'from')
      .map(([key]) => ` --${key}=${flag(key)}`)
      .join('');
    const comment = `${name}${shownFlags} ${hashOf(sources)} in ${destination} `;
    await takeStep(build, state, commentCommand(state, comment), (step) =>
      changeFiles(build, step, (target, draft) =>
        copySources({
          ...{ files: host.files, from: tree, sources, to: target, destination, mode },
          unpack: name === 'ADD',
          owner: chown === '' ? (from === '' ? ROOT : undefined) : ownerOf(build, chown, draft),
        }),
      ),
    );
  });
}

/** WORKDIR, whose configuration is changed already: the folder is made when it is missing. */
export function workdirStep(build: Build, state: StageState): Promise<void> {
  const folder = state.draft.config.WorkingDir ?? '/';
  return takeStep(build, state, commentCommand(state, `WORKDIR ${folder}`), (step) =>
    changeFiles(build, step, async (target) => {
      await folderAt(target, build.context.host.files, folder);
    }),
  );
}

const ROOT = { uid: 0, gid: 0 };

function wordsOf(build: Build, state: StageState, { rest }: Instruction): string[] {
  return (jsonWords(rest) ?? splitWords(rest, build.escapeChar)).map((word) => expandIn(state, word));
}

/** From the root; a slash at its end says that it is a folder. */
function destinationOf({ draft }: StageState, path: string): string {
  const absolute = posix.resolve('/', draft.config.WorkingDir ?? '', path);
  return /(^|\/)\.?$/.test(path) && absolute !== '/' ? `${absolute}/` : absolute;
}

/** The files of the context, or of `--from`. */
async function withFilesOf(
  build: Build,
  from: string,
  use: (tree: FileTree) => Promise<void>,
): Promise<void> {
  if (from === '') return use(build.files);
  const draft = await build.deriver.draft(await build.imageOf(from));
  try {
    const tree = openSnapshot(build.context, draft.mounts, { readOnly: true });
    try {
      await use(tree);
    } finally {
      tree.close();
    }
  } finally {
    await draft.remove();
  }
}

/** The image of a step that changes files, without a container. */
async function changeFiles(
  build: Build,
  step: StepImage,
  change: (tree: FileTree, draft: Draft) => Promise<void>,
) {
  const { context, deriver, signal } = build;
  const draft = await deriver.draft(step.parent);
  try {
    const tree = openSnapshot(context, draft.mounts, { readOnly: false });
    try {
      await change(tree, draft);
    } finally {
      tree.close();
    }
    const layer = await packLayer(context.host.files, draft.mounts, { neverRun: true });
    return await deriver.derive({ ...step, layer, draft, platform: platformOf(build) }, signal);
  } finally {
    await draft.remove();
  }
}

/** `user`, `user:group`, by name or number; the names are those of the image. The group is called as the user unless it is given. */
function ownerOf({ context }: Build, chown: string, draft: Draft): { uid: number; gid: number } {
  const folders = layerFolders(draft.mounts);
  const text = (path: string) => readRootfsFile(folders, path, context.host.files.readXattr) ?? '';
  const { user } = resolveUser(
    chown.includes(':') ? chown : `${chown}:${chown}`,
    { passwd: text('/etc/passwd'), group: text('/etc/group') },
    [],
  );
  return { uid: user.uid, gid: user.gid };
}
