/** `include/uapi/linux/netfilter/nf_tables.h`, as far as rules of ours need it. */

/** enum nf_tables_msg_types */
export const NFT_MSG = {
  NEWCHAIN: 3,
  DELCHAIN: 5,
  NEWRULE: 6,
  DELRULE: 8,
  NEWSETELEM: 12,
  DELSETELEM: 14,
} as const;

/** enum nft_chain_attributes */
export const NFTA_CHAIN = { TABLE: 1, NAME: 3 } as const;
/** enum nft_rule_attributes */
export const NFTA_RULE = { TABLE: 1, CHAIN: 2, EXPRESSIONS: 4, USERDATA: 7 } as const;
/** enum nft_list_attributes */
export const NFTA_LIST_ELEM = 1;
/** enum nft_expr_attributes */
export const NFTA_EXPR = { NAME: 1, DATA: 2 } as const;
/** enum nft_data_attributes */
export const NFTA_DATA = { VALUE: 1, VERDICT: 2 } as const;
/** enum nft_verdict_attributes */
export const NFTA_VERDICT = { CODE: 1, CHAIN: 2 } as const;
/** enum nft_set_elem_list_attributes */
export const NFTA_SET_ELEM_LIST = { TABLE: 1, SET: 2, ELEMENTS: 3 } as const;
/** enum nft_set_elem_attributes */
export const NFTA_SET_ELEM = { KEY: 1, DATA: 2, KEY_END: 10 } as const;

/** enum nft_verdicts, and `NF_DROP 0`, `NF_ACCEPT 1` (linux/netfilter.h) */
export const VERDICT = { drop: 0, accept: 1, jump: -3, goto: -4, return: -5 } as const;

/** `NFT_REG_VERDICT = 0`, `NFT_REG_1 = 1` (16 bytes), `NFT_REG32_00 = 8`: the first 4 bytes of NFT_REG_1 (enum nft_registers) */
export const NFT_REG_VERDICT = 0;
export const NFT_REG_1 = 1;
export const NFT_REG32_00 = 8;

/** Attributes of expressions: enum nft_meta_attributes and so on. */
export const NFTA_META = { DREG: 1, KEY: 2 } as const;
export const NFTA_CT = { DREG: 1, KEY: 2 } as const;
export const NFTA_PAYLOAD = { DREG: 1, BASE: 2, OFFSET: 3, LEN: 4 } as const;
export const NFTA_CMP = { SREG: 1, OP: 2, DATA: 3 } as const;
export const NFTA_BITWISE = { SREG: 1, DREG: 2, LEN: 3, MASK: 4, XOR: 5 } as const;
export const NFTA_BYTEORDER = { SREG: 1, DREG: 2, OP: 3, LEN: 4, SIZE: 5 } as const;
export const NFTA_LOOKUP = { SET: 1, SREG: 2, FLAGS: 5 } as const;
export const NFTA_IMMEDIATE = { DREG: 1, DATA: 2 } as const;
export const NFTA_FIB = { DREG: 1, RESULT: 2, FLAGS: 3 } as const;
export const NFTA_NAT = { TYPE: 1, FAMILY: 2, REG_ADDR_MIN: 3 } as const;
export const NFTA_COUNTER = { BYTES: 1, PACKETS: 2 } as const;

/** enum nft_meta_keys */
export const NFT_META = { IIFNAME: 6, OIFNAME: 7, L4PROTO: 16 } as const;
/** enum nft_ct_keys */
export const NFT_CT = { STATE: 0, STATUS: 2 } as const;
/** enum nft_payload_bases */
export const NFT_PAYLOAD = { NETWORK_HEADER: 1, TRANSPORT_HEADER: 2 } as const;
/** enum nft_cmp_ops */
export const NFT_CMP = { EQ: 0, NEQ: 1 } as const;
/** `NFT_LOOKUP_F_INV = (1 << 0)` */
export const NFT_LOOKUP_F_INV = 1;
/** `NFT_BYTEORDER_HTON = 1` (enum nft_byteorder_ops) */
export const NFT_BYTEORDER_HTON = 1;
/** `NFT_FIB_RESULT_ADDRTYPE = 3` (enum nft_fib_result), `NFTA_FIB_F_SADDR = 1 << 0` */
export const NFT_FIB_RESULT_ADDRTYPE = 3;
export const NFTA_FIB_F_SADDR = 1;
/** `NFT_NAT_SNAT = 0` (enum nft_nat_types) */
export const NFT_NAT_SNAT = 0;

/** `#define NF_CT_STATE_BIT(ctinfo) (1 << ((ctinfo) % IP_CT_IS_REPLY + 1))` (nf_conntrack_common.h) */
export const CT_STATE: Readonly<Record<string, number>> = { established: 1 << 1, related: 1 << 2 };
/** `IPS_DST_NAT = (1 << 5)` (nf_conntrack_common.h) */
export const IPS_DST_NAT = 1 << 5;
/** `RTN_LOCAL = 2` (linux/rtnetlink.h) */
export const RTN_LOCAL = 2;
/** `#define IFNAMSIZ 16` (linux/if.h) */
export const IFNAMSIZ = 16;
/** `NFTNL_UDATA_RULE_COMMENT = 0` (libnftnl/udata.h): what nft(8) shows as a rule's comment */
export const NFTNL_UDATA_RULE_COMMENT = 0;
