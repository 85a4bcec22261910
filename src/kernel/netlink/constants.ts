/** What every netlink family shares: `include/uapi/linux/netlink.h`. */

/** `#define AF_NETLINK 16` (linux/socket.h) */
export const AF_NETLINK = 16;
/** `#define SOL_NETLINK 270` (linux/socket.h) */
export const SOL_NETLINK = 270;

/** `#define NETLINK_ROUTE 0` */
export const NETLINK_ROUTE = 0;
/** `#define NETLINK_NETFILTER 12` */
export const NETLINK_NETFILTER = 12;

/** `#define NLM_F_REQUEST 0x01` */
export const NLM_F_REQUEST = 0x01;
/** `#define NLM_F_MULTI 0x02`: multipart message, terminated by NLMSG_DONE */
export const NLM_F_MULTI = 0x02;
/** `#define NLM_F_ACK 0x04` */
export const NLM_F_ACK = 0x04;
/** `#define NLM_F_DUMP_INTR 0x10`: dump was inconsistent due to sequence change */
export const NLM_F_DUMP_INTR = 0x10;
/** `#define NLM_F_DUMP (NLM_F_ROOT|NLM_F_MATCH)`, 0x100|0x200 */
export const NLM_F_DUMP = 0x300;
/** `#define NLM_F_REPLACE 0x100`: override existing */
export const NLM_F_REPLACE = 0x100;
/** `#define NLM_F_EXCL 0x200`: do not touch, if it exists */
export const NLM_F_EXCL = 0x200;
/** `#define NLM_F_CREATE 0x400`: create, if it does not exist */
export const NLM_F_CREATE = 0x400;
/** `#define NLM_F_APPEND 0x800`: add to end of list */
export const NLM_F_APPEND = 0x800;
/** `#define NLM_F_CAPPED 0x100`: the acknowledged request was capped (answer flag) */
export const NLM_F_CAPPED = 0x100;
/** `#define NLM_F_ACK_TLVS 0x200`: extended ACK attributes are included (answer flag) */
export const NLM_F_ACK_TLVS = 0x200;

/** `#define NLMSG_NOOP 0x1` */
export const NLMSG_NOOP = 1;
/** `#define NLMSG_ERROR 0x2` */
export const NLMSG_ERROR = 2;
/** `#define NLMSG_DONE 0x3`: end of a dump */
export const NLMSG_DONE = 3;
/** `#define NLMSG_OVERRUN 0x4`: data lost */
export const NLMSG_OVERRUN = 4;

/** `#define NETLINK_ADD_MEMBERSHIP 1` */
export const NETLINK_ADD_MEMBERSHIP = 1;
/** `#define NETLINK_CAP_ACK 10`: the answer does not repeat the request */
export const NETLINK_CAP_ACK = 10;
/** `#define NETLINK_EXT_ACK 11`: the answer brings the kernel's words */
export const NETLINK_EXT_ACK = 11;
/** `#define NETLINK_GET_STRICT_CHK 12`: filters of dumps are honoured, unknown ones refused (Linux 4.20) */
export const NETLINK_GET_STRICT_CHK = 12;

/** `#define NLA_F_NESTED (1 << 15)` */
export const NLA_F_NESTED = 0x8000;
/** `#define NLA_TYPE_MASK ~(NLA_F_NESTED | NLA_F_NET_BYTEORDER)` */
export const NLA_TYPE_MASK = 0x3fff;

/** `NLMSGERR_ATTR_MSG = 1`: error message string */
export const NLMSGERR_ATTR_MSG = 1;
/** `NLMSGERR_ATTR_OFFS = 2`: offset of the invalid attribute in the original message */
export const NLMSGERR_ATTR_OFFS = 2;
/** `NLMSGERR_ATTR_MISS_TYPE = 5`: type of a missing required attribute */
export const NLMSGERR_ATTR_MISS_TYPE = 5;
