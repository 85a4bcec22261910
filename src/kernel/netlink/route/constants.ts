/** Route netlink: `include/uapi/linux/rtnetlink.h`, `if_link.h`, `if_addr.h`, `neighbour.h`, `if.h`. */

// enum in rtnetlink.h, RTM_BASE = 16
export const RTM_NEWLINK = 16;
export const RTM_DELLINK = 17;
export const RTM_GETLINK = 18;
export const RTM_SETLINK = 19;
export const RTM_NEWADDR = 20;
export const RTM_DELADDR = 21;
export const RTM_GETADDR = 22;
export const RTM_NEWROUTE = 24;
export const RTM_DELROUTE = 25;
export const RTM_GETROUTE = 26;
export const RTM_NEWNEIGH = 28;
export const RTM_DELNEIGH = 29;
export const RTM_GETNEIGH = 30;
export const RTM_NEWRULE = 32;
export const RTM_GETRULE = 34;
export const RTM_NEWNSID = 88;
export const RTM_GETNSID = 90;

/** Links: attributes of RTM_*LINK (if_link.h). */
export const IFLA = {
  ADDRESS: 1,
  BROADCAST: 2,
  IFNAME: 3,
  MTU: 4,
  LINK: 5,
  MASTER: 10,
  PROTINFO: 12,
  TXQLEN: 13,
  OPERSTATE: 16,
  LINKINFO: 18,
  IFALIAS: 20,
  STATS64: 23,
  AF_SPEC: 26,
  GROUP: 27,
  NET_NS_FD: 28,
  EXT_MASK: 29,
  PROMISCUITY: 30,
  NUM_TX_QUEUES: 31,
  NUM_RX_QUEUES: 32,
  CARRIER: 33,
  LINK_NETNSID: 37,
  PROP_LIST: 52,
  ALT_IFNAME: 53,
} as const;

/** IFLA_LINKINFO (if_link.h). */
export const IFLA_INFO = { KIND: 1, DATA: 2, SLAVE_KIND: 4, SLAVE_DATA: 5 } as const;
/** `VETH_INFO_PEER = 1` (linux/veth.h) */
export const VETH_INFO_PEER = 1;
/** `IFLA_VLAN_ID = 1` (if_link.h) */
export const IFLA_VLAN_ID = 1;
/** IFLA_INFO_DATA of a macvlan, and `enum macvlan_mode` (if_link.h). */
export const IFLA_MACVLAN = { MODE: 1 } as const;
export const MACVLAN_MODES = { private: 1, vepa: 2, bridge: 4, passthru: 8 } as const;
/** IFLA_INFO_DATA of an ipvlan, `enum ipvlan_mode`, and `#define IPVLAN_F_PRIVATE 0x01`, `IPVLAN_F_VEPA 0x02` (if_link.h). */
export const IFLA_IPVLAN = { MODE: 1, FLAGS: 2 } as const;
export const IPVLAN_MODES = { l2: 0, l3: 1, l3s: 2 } as const;
export const IPVLAN_FLAGS = { bridge: 0, private: 1, vepa: 2 } as const;
/** `#define RTEXT_FILTER_SKIP_STATS (1 << 3)`: leaves out the IPv6 counters, half of an answer; IFLA_STATS64 stays. */
export const RTEXT_FILTER_SKIP_STATS = 8;

/** IFLA_INFO_DATA of a bridge (if_link.h). Times are in hundredths of a second (USER_HZ). */
export const IFLA_BR = {
  FORWARD_DELAY: 1,
  HELLO_TIME: 2,
  MAX_AGE: 3,
  AGEING_TIME: 4,
  STP_STATE: 5,
  PRIORITY: 6,
  VLAN_FILTERING: 7,
  GROUP_FWD_MASK: 9,
  BRIDGE_ID: 11,
  MCAST_SNOOPING: 23,
  NF_CALL_IPTABLES: 36,
  NF_CALL_IP6TABLES: 37,
} as const;

/** IFLA_INFO_SLAVE_DATA of a bridge port (if_link.h). */
export const IFLA_BRPORT = {
  STATE: 1,
  MODE: 4,
  LEARNING: 8,
  UNICAST_FLOOD: 9,
  NO: 18,
  MCAST_FLOOD: 27,
  BCAST_FLOOD: 30,
  NEIGH_SUPPRESS: 32,
  ISOLATED: 33,
} as const;

// enum net_device_flags (linux/if.h)
export const IFF_UP = 1 << 0;
export const IFF_LOOPBACK = 1 << 3;
export const IFF_RUNNING = 1 << 6;
export const IFF_NOARP = 1 << 7;
export const IFF_PROMISC = 1 << 8;
export const IFF_LOWER_UP = 1 << 16;

/** RFC 2863 operational status, by its number (`IF_OPER_UNKNOWN = 0` … in linux/if.h). */
export const OPER_STATES = [
  'unknown',
  'notpresent',
  'down',
  'lowerlayerdown',
  'testing',
  'dormant',
  'up',
] as const;

/** Addresses: attributes of RTM_*ADDR (if_addr.h). */
export const IFA = { ADDRESS: 1, LOCAL: 2, LABEL: 3, BROADCAST: 4, CACHEINFO: 6, FLAGS: 8 } as const;
export const IFA_F_SECONDARY = 0x01;
export const IFA_F_NODAD = 0x02;
export const IFA_F_DADFAILED = 0x08;
export const IFA_F_DEPRECATED = 0x20;
export const IFA_F_TENTATIVE = 0x40;
export const IFA_F_PERMANENT = 0x80;
export const IFA_F_NOPREFIXROUTE = 0x200;

/** Routes: attributes of RTM_*ROUTE (rtnetlink.h). */
export const RTA = {
  DST: 1,
  SRC: 2,
  OIF: 4,
  GATEWAY: 5,
  PRIORITY: 6,
  PREFSRC: 7,
  METRICS: 8,
  MULTIPATH: 9,
  TABLE: 15,
} as const;

/** Routing rules: attributes of RTM_*RULE (fib_rules.h). */
export const FRA = {
  DST: 1,
  SRC: 2,
  IIFNAME: 3,
  GOTO: 4,
  PRIORITY: 6,
  FWMARK: 10,
  SUPPRESS_PREFIXLEN: 14,
  TABLE: 15,
  FWMASK: 16,
  OIFNAME: 17,
  UID_RANGE: 20,
  IP_PROTO: 22,
  SPORT_RANGE: 23,
  DPORT_RANGE: 24,
} as const;
/** `rtm_type` of a rule (fib_rules.h: `FR_ACT_TO_TBL = 1` …), by number. */
export const RULE_ACTIONS = [
  'unspec',
  'table',
  'goto',
  'nop',
  'res3',
  'res4',
  'blackhole',
  'unreachable',
  'prohibit',
] as const;
/** `#define FIB_RULE_INVERT 0x00000002` */
export const FIB_RULE_INVERT = 2;

// enum rt_class_t
export const RT_TABLE_UNSPEC = 0;
export const RT_TABLE_MAIN = 254;
export const RT_TABLE_LOCAL = 255;

/** `rtm_protocol`: who made the route (rtnetlink.h, `RTPROT_KERNEL = 2`, `RTPROT_BOOT = 3`, `RTPROT_STATIC = 4`). */
export const RTPROT_BOOT = 3;

/** enum rt_scope_t */
export const SCOPES = { universe: 0, site: 200, link: 253, host: 254, nowhere: 255 } as const;
/** Route types, by number (`RTN_UNSPEC = 0`, `RTN_UNICAST = 1` …). */
export const ROUTE_TYPES = [
  'unspec',
  'unicast',
  'local',
  'broadcast',
  'anycast',
  'multicast',
  'blackhole',
  'unreachable',
  'prohibit',
  'throw',
  'nat',
  'xresolve',
] as const;

/** Neighbours: attributes of RTM_*NEIGH (neighbour.h). */
export const NDA = { DST: 1, LLADDR: 2, VLAN: 5, MASTER: 9 } as const;
/** `#define NTF_SELF (1 << 1)`, `#define NTF_MASTER (1 << 2)`, `#define NTF_PROXY (1 << 3)` */
export const NTF_SELF = 2;
export const NTF_MASTER = 4;
export const NTF_PROXY = 8;
/** Neighbour states (NUD_*), which are bits. */
export const NEIGHBOUR_STATES = {
  incomplete: 0x01,
  reachable: 0x02,
  stale: 0x04,
  delay: 0x08,
  probe: 0x10,
  failed: 0x20,
  noarp: 0x40,
  permanent: 0x80,
} as const;

/** Namespace ids: attributes of RTM_*NSID (linux/net_namespace.h). */
export const NETNSA = { NSID: 1, PID: 2, FD: 3 } as const;
