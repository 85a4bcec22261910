/** `docker rmi`: when a name goes, when the image goes, and what stands against it. */

import { conflict } from '../../base/errors.ts';
import type { Filters, ImageDeleteItem, ImagesPruned } from '../../base/wire/index.ts';
import {
  familiarReference,
  formatReference,
  parseReference,
  type Reference,
  repositoryName,
  tryParseReference,
  withDefaultTag,
} from '../../runtime/registry/reference.ts';
import { chainIds, shortId } from './digest.ts';
import { booleanFilter, checkFilters, labelsMatch, parseMoment } from './filters.ts';
import type { Image, ImageUser } from './image.ts';
import { isDangling, isIntermediate, parentIds } from './list.ts';
import type { ImageStore } from './store.ts';

export interface RemoveContext {
  store: ImageStore;
  usedBy: (imageId: string) => ImageUser[];
  /** Somebody is about to use it: it goes only when it is named. */
  isWanted: (imageId: string) => boolean;
  emit: (action: string, image: Image, name: string) => void;
}

/**
 * Removes the name `ref`, and the image with its last name; or, given an ID, the image with its names.
 *
 * @throws `not-found`, `conflict` (several names, or in use; never forced while a container runs)
 */
export async function removeImage(
  context: RemoveContext,
  ref: string,
  options: { force: boolean; prune: boolean },
): Promise<ImageDeleteItem[]> {
  for (;;) {
    const { id } = await context.store.find(ref);
    const removed = await context.store.locked(id, async () => {
      // Looked up again: whoever was there before us may have changed it, or moved the name to another image.
      const image = await context.store.find(ref);
      if (image.id !== id) return undefined;
      return isName(image, ref)
        ? removeByName(context, image, ref, options.force)
        : removeById(context, image, options.force);
    });
    if (removed === undefined) continue;
    const { items, parent } = removed;
    return options.prune ? [...items, ...(await removeUnusedParents(context, parent)).items] : items;
  }
}

/** What a removal has done. */
interface Removed {
  items: ImageDeleteItem[];
  /** bytes on disk */
  freed: number;
  /** ID of the image that the removed one was made from; `''`: there is none, or the image stays */
  parent: string;
}

/**
 * Removes `id` and what it was made from in turn, up to the first that somebody still needs: one with a name, a container or another
 * image made from it.
 */
async function removeUnusedParents(context: RemoveContext, id: string): Promise<Removed> {
  const all: Removed = { items: [], freed: 0, parent: '' };
  for (let next = id; next !== ''; ) {
    const removed = await context.store.locked(next, async () => {
      const image = await context.store.get(next);
      const isNeeded =
        image === undefined ||
        image.references.length > 0 ||
        context.usedBy(image.id).length > 0 ||
        context.isWanted(image.id) ||
        (await hasChildren(context, image));
      return isNeeded ? undefined : removeForGood(context, image);
    });
    if (removed === undefined) break;
    all.items.push(...removed.items);
    all.freed += removed.freed;
    next = removed.parent;
  }
  return all;
}

async function hasChildren({ store }: RemoveContext, image: Image): Promise<boolean> {
  return parentIds(await store.list()).has(image.id);
}

/** True when `ref` is one of the image's names; else it was found by its ID. A name like `beef` may be the beginning of an ID too. */
function isName(image: Image, ref: string): boolean {
  const reference = tryParseReference(ref);
  if (reference === undefined) return false;
  const wanted = nameOf(reference);
  return image.references.some((other) => sameReference(other, wanted));
}

/** What the image store has it under: with a digest, the tag does not count. */
function nameOf(reference: Reference): Reference {
  const { tag: _, ...canonical } = reference;
  return reference.digest === undefined ? withDefaultTag(reference) : canonical;
}

async function removeByName(
  context: RemoveContext,
  image: Image,
  ref: string,
  force: boolean,
): Promise<Removed> {
  const user = context.usedBy(image.id)[0];
  if (!force && user !== undefined && isSingleReference(image.references)) {
    // Without its last name the image of a container would be hard to find again.
    throw conflict(
      `conflict: unable to remove repository reference "${ref}" (must force) - container ${shortId(user.id)} is using its referenced image ${shortId(image.id)}`,
    );
  }
  const reference = nameOf(parseReference(ref));
  let remaining = image.references.filter((other) => !sameReference(other, reference));
  const goes = [reference];
  if (
    reference.digest === undefined &&
    !remaining.some((other) => isTag(other) && sameRepository(other, reference))
  ) {
    // The last tag of a repository takes the repository's digests along.
    goes.push(...remaining.filter((other) => sameRepository(other, reference)));
    remaining = remaining.filter((other) => !sameRepository(other, reference));
  }
  const items = await untag(context, image, goes);
  const stays = { items, freed: 0, parent: '' };
  if (remaining.length > 0) return stays;
  // A forced removal of the name of an image in use leaves the image, without a word.
  const nameless = { ...image, references: [] };
  if ((await conflictOf(context, nameless, force)) !== undefined) return stays;
  const removed = await removeForGood(context, nameless);
  return { ...removed, items: [...items, ...removed.items] };
}

async function removeById(context: RemoveContext, image: Image, force: boolean): Promise<Removed> {
  const against = await conflictOf(context, image, force);
  if (against !== undefined) throw against;
  const untagged = await untag(context, image, image.references);
  const removed = await removeForGood(context, image);
  return { ...removed, items: [...untagged, ...removed.items] };
}

/** What stands against removing the image: images made from it and a running container always, the rest unless forced. */
async function conflictOf(context: RemoveContext, image: Image, force: boolean): Promise<Error | undefined> {
  if (await hasChildren(context, image)) {
    return refusal(image, 'cannot be forced', 'image has dependent child images');
  }
  const users = context.usedBy(image.id);
  const running = users.find((user) => user.running);
  if (running !== undefined) {
    return refusal(
      image,
      'cannot be forced',
      `image is being used by running container ${shortId(running.id)}`,
    );
  }
  if (force) return undefined;
  if (image.references.length > 1 && !isSingleReference(image.references)) {
    return refusal(image, 'must be forced', 'image is referenced in multiple repositories');
  }
  const stopped = users[0];
  if (stopped === undefined) return undefined;
  return refusal(image, 'must be forced', `image is being used by stopped container ${shortId(stopped.id)}`);
}

const refusal = (image: Image, force: string, why: string) =>
  conflict(`conflict: unable to delete ${shortId(image.id)} (${force}) - ${why}`);

async function untag(
  context: RemoveContext,
  image: Image,
  references: readonly Reference[],
): Promise<ImageDeleteItem[]> {
  const items: ImageDeleteItem[] = [];
  for (const reference of references) {
    await context.store.removeReference(reference);
    context.emit('untag', image, image.id);
    items.push({ Untagged: familiarReference(reference) });
  }
  return items;
}

/**
 * Removes an image whose names are gone. Lists the layers that no other image has; containerd frees them when it finds
 * nobody refers to them. `freed` is their size in bytes.
 */
async function removeForGood(context: RemoveContext, image: Image): Promise<Removed> {
  const others = (await context.store.list()).filter((other) => other.id !== image.id);
  const kept = new Set(others.flatMap((other) => chainIds(other.file.rootfs.diff_ids)));
  await context.store.removeAnchor(image);
  context.emit('delete', image, image.id);
  const items: ImageDeleteItem[] = [];
  let freed = 0;
  for (const [index, chainId] of chainIds(image.file.rootfs.diff_ids).entries()) {
    if (kept.has(chainId)) continue;
    items.unshift({ Deleted: chainId });
    freed += image.layerSizes[index] ?? 0;
  }
  return { items: [{ Deleted: image.id }, ...items], freed, parent: image.parent };
}

const PRUNE_FILTERS = ['dangling', 'label', 'label!', 'until'];

/**
 * `docker image prune`: removes images that no container uses; only those without a name, unless `dangling=false`.
 *
 * @throws `invalid` for an unknown filter
 */
export async function pruneImages(context: RemoveContext, filters: Filters): Promise<ImagesPruned> {
  checkFilters(filters, PRUNE_FILTERS);
  const danglingOnly = booleanFilter(filters, 'dangling') ?? true;
  const until = filters.until?.length
    ? Math.min(...filters.until.map((text) => parseMoment(text)))
    : undefined;
  const goes = (image: Image): boolean =>
    (!danglingOnly || isDangling(image)) &&
    (until === undefined || image.created <= until) &&
    labelsMatch(image, filters) &&
    context.usedBy(image.id).length === 0 &&
    !context.isWanted(image.id);
  const items: ImageDeleteItem[] = [];
  let freed = 0;
  const add = (removed: Removed) => {
    items.push(...removed.items);
    freed += removed.freed;
  };
  const images = await context.store.list();
  const parents = parentIds(images);
  for (const { id } of images.filter((image) => !isIntermediate(image, parents) && goes(image))) {
    const parent = await context.store.locked(id, async () => {
      const image = await context.store.get(id);
      if (image === undefined || !goes(image)) return '';
      items.push(...(await untag(context, image, image.references)));
      // Others were made from it: without a name it is a step on their way, and goes with the last of them.
      if (await hasChildren(context, image)) return '';
      const removed = await removeForGood(context, image);
      add(removed);
      return removed.parent;
    });
    add(await removeUnusedParents(context, parent));
  }
  return { ImagesDeleted: items.length === 0 ? null : items, SpaceReclaimed: freed };
}

const isTag = (reference: Reference) => reference.digest === undefined;
const sameRepository = (a: Reference, b: Reference) => repositoryName(a) === repositoryName(b);
const sameReference = (a: Reference, b: Reference) => formatReference(a) === formatReference(b);

/** True for at most one tag, and digests of the same repository only; false for none at all. */
function isSingleReference(references: readonly Reference[]): boolean {
  if (references.length === 0) return false;
  const tags = references.filter(isTag);
  return tags.length <= 1 && new Set(references.map(repositoryName)).size === 1;
}
