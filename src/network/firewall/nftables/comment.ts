/**
 * The comment on each of our rules: `established 3f2a91c04b7d #9c1e0f52`. It says to people why the rule is there and for
 * which network, and to us that the rule is ours and still has the text we gave it: the last part is made from that text.
 * To compare texts instead would tie us to one release of nft, since others print the same rule differently.
 */

import { type Origin, SENTENCES } from '../origin.ts';

/** The comment that belongs on a rule. At most 128 bytes (`NFTNL_UDATA_COMMENT_MAXLEN`). */
export function ruleComment(text: string, origin: Origin): string {
  const id = origin.networkId?.slice(0, 12);
  const network = id === undefined ? '' : ` ${/^[\w.-]*$/.test(id) ? id : id.replaceAll(/[^\w.-]/g, '_')}`;
  return `${origin.key}${network} #${fingerprint(text).toString(16).padStart(8, '0')}`;
}

/** True for a comment that this compiler, or another release of it, wrote. */
export function isOurComment(comment: string | undefined): boolean {
  const key = /^([a-z-]+)(?: [\w.-]{1,12})? #[0-9a-f]{8}$/.exec(comment ?? '')?.[1];
  return key !== undefined && key in SENTENCES;
}

/** FNV-1a, 32 bits: thousands of rules are compiled for each change, so it has to cost next to nothing. */
function fingerprint(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return hash >>> 0;
}
