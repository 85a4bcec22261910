/** `docker commit`: a container's changes become the uppermost layer of a new image. */

import { conflict, isKind } from '../../base/errors.ts';
import type { CommitOptions } from '../../base/image-requests.ts';
import { packLayer } from '../archive/layer.ts';
import { emitContainerEvent } from '../containers/attributes.ts';
import type { Container } from '../containers/container.ts';
import type { Lifecycle } from '../containers/lifecycle.ts';
import type { ContainerRegistry } from '../containers/registry.ts';
import type { EngineContext } from '../context.ts';
import { applyChanges } from '../images/changes.ts';
import type { Deriver } from '../images/derive.ts';
import type { Image, ImageService } from '../images/index.ts';
import { mergeRunConfig, runConfigOf } from './run-config.ts';

export class Committer {
  readonly #context: EngineContext;
  readonly #registry: ContainerRegistry;
  readonly #lifecycle: Lifecycle;
  readonly #images: ImageService;

  constructor(
    context: EngineContext,
    registry: ContainerRegistry,
    lifecycle: Lifecycle,
    images: ImageService,
  ) {
    this.#context = context;
    this.#registry = registry;
    this.#lifecycle = lifecycle;
    this.#images = images;
  }

  /**
   * Gives the ID of the new image.
   *
   * @throws `not-found`, `invalid` for a change or a name, `conflict` for a container that is being removed
   */
  async commit(ref: string, options: CommitOptions, signal: AbortSignal): Promise<string> {
    const container = this.#registry.find(ref);
    const { record } = container;
    refuseRemoved(container);
    const { repository, tag } = options;
    const name = repository === '' ? '' : this.#images.targetName(repository, tag);
    const own = runConfigOf(record.config);
    const given = options.config === undefined ? own : runConfigOf(options.config);
    const config = mergeRunConfig(applyChanges(given, options.changes), own);
    const image = await this.#images.deriving(async (deriver) => {
      const parent = await this.#images.resolve(record.imageId);
      await deriver.hold(parent);
      return this.#whilePaused(container, options.pause, () =>
        deriveFromContainer(this.#context, container, deriver, {
          ...{ parent, config, signal },
          createdBy: (record.config.Cmd ?? []).join(' '),
          comment: options.comment,
          author: options.author,
        }),
      );
    }, signal);
    this.#images.announce(image);
    if (name !== '') await this.#images.tag(image.id, repository, tag);
    emitContainerEvent(this.#context, container, 'commit', {
      comment: options.comment,
      imageID: image.id,
      imageRef: name,
    });
    return image.id;
  }

  async #whilePaused<T>(container: Container, pause: boolean, work: () => Promise<T>): Promise<T> {
    if (!pause || container.record.state.status !== 'running') return work();
    try {
      await this.#lifecycle.pause(container);
    } catch (error) {
      // It ended just now, or somebody else paused it: it stands still all the same.
      if (!isKind(error, 'conflict', 'not-found')) throw error;
      return work();
    }
    try {
      return await work();
    } finally {
      await this.#lifecycle.unpause(container).catch((error) => {
        if (!isKind(error, 'conflict', 'not-found')) throw error;
      });
    }
  }
}

/** The image `parent` with what `container` has changed in its files. */
export async function deriveFromContainer(
  { containerd, host }: EngineContext,
  container: Container,
  deriver: Deriver,
  options: {
    parent: Image | undefined;
    config: ReturnType<typeof runConfigOf>;
    createdBy: string;
    comment: string;
    author: string;
    signal: AbortSignal;
    /** Default: how the container itself was run. */
    containerConfig?: ReturnType<typeof runConfigOf>;
  },
): Promise<Image> {
  const { record } = container;
  const mounts = await containerd.snapshotter(record.snapshotter).mounts(record.id);
  const layer = await packLayer(host.files, mounts, { neverRun: false });
  const { signal, containerConfig = runConfigOf(record.config), ...rest } = options;
  async function* whole(): AsyncGenerator<Buffer> {
    yield* layer;
    // Files that vanish while they are read are left out, and a removal makes all of them vanish.
    refuseRemoved(container);
  }
  return deriver.derive({ ...rest, layer: whole(), container: record.id, containerConfig }, signal);
}

function refuseRemoved({ record, isBeingRemoved }: Container): void {
  if (record.state.status === 'dead')
    throw conflict(`You cannot commit container ${record.id} which is Dead`);
  if (isBeingRemoved || record.removing) {
    throw conflict(`You cannot commit container ${record.id} which is being removed`);
  }
}
