/** Digests, chain ids and their short forms. */

import { createHash } from 'node:crypto';

/** `sha256:…` of `data` */
export function digestOf(data: Uint8Array | string): string {
  return `sha256:${createHash('sha256').update(data).digest('hex')}`;
}

/**
 * The chain id of every layer, lowest first: it names a layer together with all below it, and is the name of its
 * snapshot. OCI image specification, "Layer ChainID".
 */
export function chainIds(diffIds: readonly string[]): string[] {
  const chain: string[] = [];
  for (const diffId of diffIds) chain.push(childChainId(chain.at(-1) ?? '', diffId));
  return chain;
}

/** The chain id of the layer `diffId` on top of `parent`, which is `''` for the lowest. */
export function childChainId(parent: string, diffId: string): string {
  return parent === '' ? diffId : digestOf(`${parent} ${diffId}`);
}

/** The chain id of the topmost layer; `''` for an image without layers. */
export function topChainId(diffIds: readonly string[]): string {
  return chainIds(diffIds).at(-1) ?? '';
}

/** The first 12 hexadecimal digits of an id or digest, as Docker prints them. */
export function shortId(id: string): string {
  return id.slice(id.indexOf(':') + 1).slice(0, 12);
}
