/** nftables, by libnftables or (what happens all day) straight to the kernel. */
export { NftContext, type NftOutput } from './context.ts';
export type { NftSets } from './encode/commands.ts';
export type { NftSetTypes } from './encode/rule.ts';
