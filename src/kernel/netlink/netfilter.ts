/** What the netfilter subsystems share: `include/uapi/linux/netfilter/nfnetlink.h`. */

/** `#define NFNL_SUBSYS_CTNETLINK 1` */
export const NFNL_SUBSYS_CTNETLINK = 1;
/** `#define NFNL_SUBSYS_NFTABLES 10` */
export const NFNL_SUBSYS_NFTABLES = 10;
/** `NFNLGRP_NFTABLES = 7` */
export const NFNLGRP_NFTABLES = 7;

/** `struct nfgenmsg { nfgen_family u8, version u8, res_id u16 (big-endian) }` */
export const NFGENMSG_LENGTH = 4;

/** The message type: the subsystem in the upper byte. */
export const nfnlType = (subsystem: number, message: number) => (subsystem << 8) | message;

/** `NFNL_MSG_BATCH_BEGIN`, `NFNL_MSG_BATCH_END`: NLMSG_MIN_TYPE (0x10) and the next; the subsystem stands in `res_id` */
export const NFNL_MSG_BATCH_BEGIN = 0x10;
export const NFNL_MSG_BATCH_END = 0x11;
/** `NFNL_BATCH_GENID = 1`: the batch is for this generation of the ruleset alone (enum nfnl_batch_attributes) */
export const NFNL_BATCH_GENID = 1;

/** `struct nfgenmsg`; `#define NFNETLINK_V0 0`. */
export function nfgenmsg(family: number, resource = 0): Buffer {
  return Buffer.from([family, 0, resource >> 8, resource & 0xff]);
}
