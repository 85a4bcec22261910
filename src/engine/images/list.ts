/** `docker images` and its filters. */

import type { Filters, ImageSummary } from '../../base/wire/index.ts';
import type { Reference } from '../../runtime/registry/reference.ts';
import { booleanFilter, checkFilters, labelsMatch, parseMoment, referenceMatcher } from './filters.ts';
import type { Image } from './image.ts';
import { imageSummary } from './inspect.ts';
import type { ImageStore } from './store.ts';

const LIST_FILTERS = ['dangling', 'label', 'label!', 'before', 'since', 'reference', 'until'];

/**
 * The images that all filters let through, newest first. `reference` also leaves out the names that do not fit; what others were made
 * from is left out unless it has a name, or `all` is set.
 *
 * @throws `invalid` for an unknown filter, `not-found` when `before` or `since` names no image
 */
export async function listImages(
  store: ImageStore,
  { all, filters }: { all: boolean; filters: Filters },
  containers: (imageId: string) => number,
): Promise<ImageSummary[]> {
  checkFilters(filters, LIST_FILTERS);
  const dangling = booleanFilter(filters, 'dangling');
  const before = await latest(store, filters.before, Math.min);
  const since = await latest(store, filters.since, Math.max);
  const until = filters.until?.length
    ? Math.min(...filters.until.map((text) => parseMoment(text)))
    : undefined;
  const matchers = (filters.reference ?? []).map(referenceMatcher);
  const present = await store.list();
  const parents = parentIds(present);
  const images = present.filter(
    (image) =>
      (all || !isIntermediate(image, parents)) &&
      (dangling === undefined || (dangling ? isDangling(image) : image.references.length > 0)) &&
      (before === undefined || image.created < before) &&
      (since === undefined || image.created > since) &&
      (until === undefined || image.created <= until) &&
      labelsMatch(image, filters),
  );
  return withReferences(images, matchers)
    .sort((a, b) => b.created - a.created || (a.id < b.id ? -1 : 1))
    .map((image) => imageSummary(image, containers(image.id)));
}

/** Without a tag. One that only a digest names counts too, as with Docker: its tag has moved on. */
export function isDangling(image: Image): boolean {
  return image.references.every((reference) => reference.digest !== undefined);
}

/** IDs of the images that others were made from. */
export function parentIds(images: readonly Image[]): Set<string> {
  return new Set(images.map((image) => image.parent).filter(Boolean));
}

/** A step on the way to another image: nobody's to list or to prune as long as that one is there. */
export function isIntermediate(image: Image, parents: ReadonlySet<string>): boolean {
  return image.references.length === 0 && parents.has(image.id);
}

async function latest(
  store: ImageStore,
  refs: readonly string[] | undefined,
  choose: (...times: number[]) => number,
): Promise<number | undefined> {
  if (refs === undefined || refs.length === 0) return undefined;
  const images = await Promise.all(refs.map((ref) => store.find(ref)));
  return choose(...images.map((image) => image.created));
}

function withReferences(
  images: Image[],
  matchers: ReadonlyArray<(reference: Reference) => boolean>,
): Image[] {
  if (matchers.length === 0) return images;
  const fits = (reference: Reference) => matchers.some((matches) => matches(reference));
  return images
    .map((image) => ({ ...image, references: image.references.filter(fits) }))
    .filter((image) => image.references.length > 0);
}
