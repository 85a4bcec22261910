/** nftables by libnftables. */
export { NftContext, type NftOutput } from './context.ts';
