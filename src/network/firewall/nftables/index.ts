/** The nftables backend: compile, plan, read back. */

export { compileNftables, NftCompiler } from './compile.ts';
export { formatNft, formatNftRule, formatNftTable } from './format.ts';
export { type MissingNft, missingNft } from './missing.ts';
export {
  type ObservedNft,
  type ObservedNftChain,
  type ObservedNftRule,
  type ObservedNftSet,
  type ObservedNftTable,
  observeNft,
  parseNftTable,
} from './observed.ts';
export { type NftPlanOptions, planNft } from './plan.ts';
export {
  claimedNftRuleset,
  emptyNftRuleset,
  emptyNftTable,
  isEmptyTable,
  NFT_TABLE,
  type NftChain,
  type NftElement,
  type NftHook,
  type NftRule,
  type NftRuleset,
  type NftSet,
  type NftTable,
  setsByTable,
} from './ruleset.ts';
