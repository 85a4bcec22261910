/** Links as the kernel reports them: RTM_NEWLINK (rtnetlink(7), `include/uapi/linux/if_link.h`), read into plain values. */
import { macText } from '../../address.ts';
import { type Attributes, listAttributes, readAttributes, textOf } from '../attributes.ts';
import type { NetlinkMessage } from '../message.ts';
import {
  IFF_LOOPBACK,
  IFF_LOWER_UP,
  IFF_UP,
  IFLA,
  IFLA_BR,
  IFLA_BRPORT,
  IFLA_INFO,
  OPER_STATES,
} from './constants.ts';

/** `struct ifinfomsg { family u8, pad u8, type u16, index s32, flags u32, change u32 }` */
export const IFINFOMSG_LENGTH = 16;

export type OperState = (typeof OPER_STATES)[number];

export interface Link {
  readonly index: number;
  readonly name: string;
  readonly altNames: readonly string[];
  /** ARPHRD number: 1 Ethernet, 772 loopback (linux/if_arp.h). */
  readonly type: number;
  /** IFF_* bits. */
  readonly flags: number;
  /** IFF_UP: administratively up. */
  readonly up: boolean;
  /** IFF_LOWER_UP: there is a carrier. */
  readonly lowerUp: boolean;
  readonly loopback: boolean;
  readonly operState: OperState;
  readonly mtu: number;
  /** `02:42:ac:11:00:02`; `undefined` when the kind has none. */
  readonly mac: string | undefined;
  /** Index of the bridge (bond, vrf …) it is a port of. */
  readonly master: number | undefined;
  /** Index of the link below, or of a veth's other end: in the namespace `linkNetnsId` names, if that is set. */
  readonly link: number | undefined;
  /** This namespace's id for the one `link` lives in; `undefined`: the same namespace. See `RouteClient.netnsId()`. */
  readonly linkNetnsId: number | undefined;
  /** `veth`, `bridge`, `vxlan` …; `undefined` for hardware and loopback. */
  readonly kind: string | undefined;
  /** The master's kind as seen from the port: `bridge`. */
  readonly portKind: string | undefined;
  readonly alias: string | undefined;
  readonly group: number;
  readonly txQueueLength: number;
  readonly promiscuity: number;
  readonly bridge: BridgeAttributes | undefined;
  readonly bridgePort: BridgePortAttributes | undefined;
  readonly stats: LinkStats;
}

/** A bridge's own settings. Times are in seconds. */
export interface BridgeAttributes {
  readonly forwardDelay: number;
  readonly helloTime: number;
  readonly maxAge: number;
  readonly ageingTime: number;
  readonly stp: boolean;
  readonly priority: number;
  /** `8000.0242ac110001`, as brctl shows it. */
  readonly bridgeId: string;
  readonly vlanFiltering: boolean;
  readonly groupForwardMask: number;
  readonly multicastSnooping: boolean;
  readonly nfCallIptables: boolean;
  readonly nfCallIp6tables: boolean;
}

export interface BridgePortAttributes {
  /** 0 disabled, 1 listening, 2 learning, 3 forwarding, 4 blocking (linux/if_bridge.h) */
  readonly state: number;
  /** Port number within the bridge. */
  readonly number: number;
  readonly hairpin: boolean;
  readonly isolated: boolean;
  readonly learning: boolean;
  readonly unicastFlood: boolean;
  readonly neighbourSuppression: boolean;
}

/** `struct rtnl_link_stats64`, its first ten counters. Seen from the host's side of the link. */
export interface LinkStats {
  readonly rxPackets: number;
  readonly txPackets: number;
  readonly rxBytes: number;
  readonly txBytes: number;
  readonly rxErrors: number;
  readonly txErrors: number;
  readonly rxDropped: number;
  readonly txDropped: number;
  readonly multicast: number;
  readonly collisions: number;
}

/** Reads an RTM_NEWLINK or RTM_DELLINK message. */
export function readLink(message: NetlinkMessage): Link {
  const { body } = message;
  const flags = body.readUInt32LE(8);
  const attributes = readAttributes(body, IFINFOMSG_LENGTH);
  const info = attributes.nested(IFLA.LINKINFO);
  const kind = info?.string(IFLA_INFO.KIND);
  const portKind = info?.string(IFLA_INFO.SLAVE_KIND);
  const mac = attributes.bytes(IFLA.ADDRESS);
  const data = info?.nested(IFLA_INFO.DATA);
  const portData = info?.nested(IFLA_INFO.SLAVE_DATA);
  const link = attributes.u32(IFLA.LINK);
  return {
    index: body.readInt32LE(4),
    name: attributes.string(IFLA.IFNAME) ?? '',
    altNames: readAltNames(attributes.bytes(IFLA.PROP_LIST)),
    type: body.readUInt16LE(2),
    flags,
    up: (flags & IFF_UP) !== 0,
    lowerUp: (flags & IFF_LOWER_UP) !== 0,
    loopback: (flags & IFF_LOOPBACK) !== 0,
    operState: OPER_STATES[attributes.u8(IFLA.OPERSTATE) ?? 0] ?? 'unknown',
    mtu: attributes.u32(IFLA.MTU) ?? 0,
    mac: mac && mac.length > 0 ? macText(mac) : undefined,
    master: attributes.u32(IFLA.MASTER) || undefined,
    // A device without a lower link reports its own index, or 0.
    link: link === 0 ? undefined : link,
    linkNetnsId: attributes.s32(IFLA.LINK_NETNSID),
    kind,
    portKind,
    alias: attributes.string(IFLA.IFALIAS),
    group: attributes.u32(IFLA.GROUP) ?? 0,
    txQueueLength: attributes.u32(IFLA.TXQLEN) ?? 0,
    promiscuity: attributes.u32(IFLA.PROMISCUITY) ?? 0,
    bridge: kind === 'bridge' && data ? readBridge(data) : undefined,
    bridgePort: portKind === 'bridge' && portData ? readBridgePort(portData) : undefined,
    stats: readStats(attributes.bytes(IFLA.STATS64)),
  };
}

function readAltNames(list: Buffer | undefined): string[] {
  if (!list) return [];
  return listAttributes(list).flatMap(([type, payload]) =>
    type === IFLA.ALT_IFNAME ? [textOf(payload)] : [],
  );
}

function readBridge(data: Attributes): BridgeAttributes {
  // The kernel counts in USER_HZ, which is 100 on every architecture but alpha and ia64.
  const seconds = (type: number) => (data.u32(type) ?? 0) / 100;
  const id = data.bytes(IFLA_BR.BRIDGE_ID)?.toString('hex') ?? '';
  return {
    forwardDelay: seconds(IFLA_BR.FORWARD_DELAY),
    helloTime: seconds(IFLA_BR.HELLO_TIME),
    maxAge: seconds(IFLA_BR.MAX_AGE),
    ageingTime: seconds(IFLA_BR.AGEING_TIME),
    stp: data.u32(IFLA_BR.STP_STATE) !== 0,
    priority: data.u16(IFLA_BR.PRIORITY) ?? 0,
    bridgeId: `${id.slice(0, 4)}.${id.slice(4)}`,
    vlanFiltering: data.u8(IFLA_BR.VLAN_FILTERING) === 1,
    groupForwardMask: data.u16(IFLA_BR.GROUP_FWD_MASK) ?? 0,
    multicastSnooping: data.u8(IFLA_BR.MCAST_SNOOPING) === 1,
    nfCallIptables: data.u8(IFLA_BR.NF_CALL_IPTABLES) === 1,
    nfCallIp6tables: data.u8(IFLA_BR.NF_CALL_IP6TABLES) === 1,
  };
}

function readBridgePort(data: Attributes): BridgePortAttributes {
  const flag = (type: number) => data.u8(type) === 1;
  return {
    state: data.u8(IFLA_BRPORT.STATE) ?? 0,
    number: data.u16(IFLA_BRPORT.NO) ?? 0,
    hairpin: flag(IFLA_BRPORT.MODE),
    isolated: flag(IFLA_BRPORT.ISOLATED),
    learning: flag(IFLA_BRPORT.LEARNING),
    unicastFlood: flag(IFLA_BRPORT.UNICAST_FLOOD),
    neighbourSuppression: flag(IFLA_BRPORT.NEIGH_SUPPRESS),
  };
}

function readStats(bytes: Buffer | undefined): LinkStats {
  // Counters are u64; 2^53 bytes are ten days of 80 Gbit/s, and a double is then exact to 2 bytes.
  const counter = (index: number) =>
    bytes && bytes.length >= index * 8 + 8 ? Number(bytes.readBigUInt64LE(index * 8)) : 0;
  return {
    rxPackets: counter(0),
    txPackets: counter(1),
    rxBytes: counter(2),
    txBytes: counter(3),
    rxErrors: counter(4),
    txErrors: counter(5),
    rxDropped: counter(6),
    txDropped: counter(7),
    multicast: counter(8),
    collisions: counter(9),
  };
}
