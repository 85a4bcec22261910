/** Images that are made here: the engine's side of the API's `BuildBackend`. */

import { constants, createReadStream } from 'node:fs';
import { posix } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { invalid, isKind, messageOf } from '../../base/errors.ts';
import type { BuildOptions, CommitOptions } from '../../base/image-requests.ts';
import { drop, fstat, removeIn, reopen } from '../archive/handles.ts';
import type { EngineContext } from '../context.ts';
import type { Engine } from '../engine.ts';
import type { FileTree, HostFiles } from '../host-system.ts';
import type { ImageService, Progress } from '../images/index.ts';
import { BuildArguments } from './arguments.ts';
import { Builder } from './builder.ts';
import { Committer } from './commit.ts';
import { parseDockerfile } from './dockerfile.ts';
import { receiveContext, removeLeftContexts } from './file-trees.ts';
import { BuildOutput } from './output.ts';
import { isIgnored } from './patterns.ts';
import { RunFailure } from './run-step.ts';

/** Bytes of a Dockerfile and of a .dockerignore that are read. */
const MAX_TEXT = 4 << 20;

export class BuildService {
  readonly #context: EngineContext;
  readonly #engine: Engine;
  readonly #images: ImageService;
  readonly #committer: Committer;

  /** Takes away what builds of an earlier daemon have left. */
  constructor(context: EngineContext, engine: Engine, images: ImageService) {
    this.#context = context;
    this.#engine = engine;
    this.#images = images;
    this.#committer = new Committer(context, engine.registry, engine.lifecycle, images);
    removeLeftContexts(context);
  }

  commit(ref: string, options: CommitOptions, signal: AbortSignal): Promise<string> {
    return this.#committer.commit(ref, options, signal);
  }

  /**
   * Builds what the Dockerfile in the context says. Ends early when `signal` is aborted, and leaves no container then.
   *
   * @throws what is wrong before the first step; later failures are the last message of `progress`
   */
  async build(
    tar: Readable,
    options: BuildOptions,
    progress: Progress,
    room: () => Promise<void>,
    signal: AbortSignal,
  ): Promise<void> {
    const names = options.tags.map((tag) => this.#images.targetName(tag));
    await using received = await receiveContext(this.#context, tar, signal);
    const { files } = this.#context.host;
    const dockerfile = parseDockerfile(await readDockerfile(files, received.tree, options.dockerfile));
    const output = new BuildOutput(progress, room, options.quiet);
    for (const what of options.ignored)
      output.line(`[Warning] ${what} is ignored: Bridgeport's builder does not know it`);
    try {
      const image = await this.#images.deriving((deriver) => {
        return new Builder(
          {
            context: this.#context,
            ...{ deriver, options, output, signal },
            containers: this.#engine.containers,
            images: this.#images,
            args: new BuildArguments(options.buildArgs),
            files: received.tree,
          },
          dockerfile,
          (id) => this.#engine.registry.find(id),
        ).run();
      }, signal);
      this.#images.announce(image);
      for (const tag of options.tags) await this.#images.tag(image.id, tag, '');
      output.done(image.id, names);
    } catch (error) {
      if (signal.aborted || !output.hasBegun) throw error;
      output.failed(messageOf(error), error instanceof RunFailure ? error.exitCode : undefined);
    }
  }
}

/** Its text. When .dockerignore names it, or itself, it is no part of what COPY sees. */
async function readDockerfile(files: HostFiles, tree: FileTree, given: string): Promise<string> {
  const path = posix.normalize(given || 'Dockerfile');
  if (path.startsWith('../')) {
    throw invalid(`the Dockerfile (${given}) must be within the build context`);
  }
  const source = await readText(files, tree, path);
  if (source === undefined) throw invalid(`Cannot locate specified Dockerfile: ${given || 'Dockerfile'}`);
  if (source.trim() === '') throw invalid(`the Dockerfile (${given || 'Dockerfile'}) cannot be empty`);
  const ignore = (await readText(files, tree, '.dockerignore')) ?? '';
  for (const name of [path, '.dockerignore']) {
    if (isIgnored(ignore, name.replace(/^\//, ''))) await removeFile(files, tree, name);
  }
  return source;
}

async function readText(files: HostFiles, tree: FileTree, path: string): Promise<string | undefined> {
  let top: number;
  try {
    top = await tree.open(posix.join('/', path), files.O_PATH);
  } catch (error) {
    if (isKind(error) && ['ENOENT', 'ENOTDIR', 'ELOOP'].includes(error.errno ?? '')) return undefined;
    throw error;
  }
  try {
    const stat = await fstat(top);
    if (!stat.isFile()) throw invalid(`read "${path}" of the build context: it is no file`);
    if (stat.size > MAX_TEXT)
      throw invalid(`read "${path}" of the build context: more than ${MAX_TEXT} bytes`);
    return await text(createReadStream('', { fd: await reopen(top) }));
  } finally {
    drop(top);
  }
}

async function removeFile(files: HostFiles, tree: FileTree, path: string): Promise<void> {
  const folder = await tree
    .open(posix.join('/', posix.dirname(path)), files.O_PATH | constants.O_DIRECTORY)
    .catch(() => undefined);
  if (folder === undefined) return;
  try {
    await removeIn(folder, posix.basename(path), files.O_PATH);
  } finally {
    drop(folder);
  }
}
