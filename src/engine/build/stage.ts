/** What the steps of a build share: the build as a whole, and the stage that they are in. */

import { isDeepStrictEqual } from 'node:util';
import { isKind } from '../../base/errors.ts';
import type { BuildOptions } from '../../base/image-requests.ts';
import type { ContainersService } from '../containers/service.ts';
import type { EngineContext } from '../context.ts';
import type { FileTree } from '../host-system.ts';
import { type ConfigDraft, commandOf, expand } from '../images/changes.ts';
import type { Deriver } from '../images/derive.ts';
import type { Image, ImageRunConfig, ImageService } from '../images/index.ts';
import type { BuildArguments } from './arguments.ts';
import type { BuildOutput } from './output.ts';

export interface Build {
  context: EngineContext;
  containers: ContainersService;
  images: ImageService;
  deriver: Deriver;
  options: BuildOptions;
  output: BuildOutput;
  /** Of the Dockerfile. */
  escapeChar: string;
  args: BuildArguments;
  /** The files that the client has sent. */
  files: FileTree;
  /** An earlier stage by number or name, or any image: held, and here. Throws as a pull does. */
  imageOf(ref: string): Promise<Image>;
  signal: AbortSignal;
}

export interface StageState {
  /** What the next step builds on; undefined: nothing. */
  image: Image | undefined;
  draft: ConfigDraft;
  author: string;
  /** A step was not found in the cache: none after it can be. */
  isCacheBusted: boolean;
}

/** How a stage begins that builds on `image`. */
export function beginStage(build: Build, image: Image | undefined): StageState {
  const { OnBuild: _, ...config } = structuredClone(image?.config ?? {});
  return {
    image,
    draft: {
      config,
      cmdSet: false,
      lookup: (name) => build.args.get(name),
      escapeChar: build.escapeChar,
    },
    author: image?.file.author ?? '',
    isCacheBusted: false,
  };
}

/** A word of an instruction with the variables of image and arguments put in. */
export const expandIn = ({ draft }: StageState, word: string) => expand(draft, word);

/** The words that a line for the shell becomes. */
export const shellCommand = ({ draft }: StageState, line: string) => commandOf(draft, line);

/** As Docker shows a step that runs nothing: a comment for the shell. */
export const commentCommand = (state: StageState, comment: string) =>
  shellCommand(state, `#(nop) ${comment}`);

/** What `make` needs for the image of one step. */
export interface StepImage {
  parent: Image | undefined;
  config: ImageRunConfig;
  createdBy: string;
  comment: string;
  author: string;
  container: string;
  /** By which the step is found in the cache. */
  containerConfig: ImageRunConfig;
}

/**
 * One step: the image that an earlier build made for the same `command` on the same image with the same configuration, or a new one.
 * The stage goes on with it.
 */
export async function takeStep(
  build: Build,
  state: StageState,
  command: string[],
  make: (step: StepImage) => Promise<Image>,
): Promise<void> {
  build.signal.throwIfAborted();
  const { Entrypoint: _, ...rest } = state.draft.config;
  const containerConfig: ImageRunConfig = { ...rest, Cmd: command };
  const cached = await findCached(build, state, containerConfig);
  if (cached !== undefined) {
    build.output.line(' ---> Using cache');
    state.image = cached;
    return;
  }
  state.isCacheBusted = true;
  state.image = await make({
    parent: state.image,
    config: state.draft.config,
    createdBy: command.join(' '),
    comment: '',
    author: state.author,
    container: '',
    containerConfig,
  });
}

/** A step that changes the configuration alone. */
export function takeConfigStep(build: Build, state: StageState, comment: string): Promise<void> {
  return takeStep(build, state, commentCommand(state, ` ${comment}`), (step) =>
    build.deriver.derive({ ...step, layer: undefined, platform: platformOf(build) }, build.signal),
  );
}

/** Of an image that begins with nothing; others have their parent's. */
export const platformOf = ({ options, images }: Build) => images.platformNamed(options.platform);

/** Held. */
async function findCached(
  { options, images, deriver }: Build,
  { image, isCacheBusted, author }: StageState,
  containerConfig: ImageRunConfig,
): Promise<Image | undefined> {
  if (options.noCache || isCacheBusted) return undefined;
  const wanted: unknown = JSON.parse(JSON.stringify(containerConfig));
  for (const candidate of await images.madeFrom(image?.id ?? '')) {
    const { file } = candidate;
    if (!isDeepStrictEqual(file.container_config, wanted) || (file.author ?? '') !== author) continue;
    try {
      await deriver.hold(candidate);
      return candidate;
    } catch (error) {
      // Removed just now.
      if (!isKind(error, 'conflict', 'not-found')) throw error;
    }
  }
  return undefined;
}
