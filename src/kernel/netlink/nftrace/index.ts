/** What nftables did with packets that carry the trace mark. */
export { NftTrace, type TraceEvent } from './trace.ts';
