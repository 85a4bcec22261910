/** Requests that make, change and delete links. Pure: made here, sent by `RouteClient` or in a batch of one's own. */
import { internal } from '../../../base/errors.ts';
import { AF_UNSPEC, macBytes } from '../../address.ts';
import type { NetnsHandle } from '../../netns/index.ts';
import type { AttributeWriter } from '../attributes.ts';
import { NLM_F_CREATE, NLM_F_EXCL } from '../constants.ts';
import { type NetlinkRequest, netlinkRequest } from '../message.ts';
import {
  IFF_UP,
  IFLA,
  IFLA_BR,
  IFLA_BRPORT,
  IFLA_INFO,
  IFLA_IPVLAN,
  IFLA_MACVLAN,
  IFLA_VLAN_ID,
  IPVLAN_FLAGS,
  IPVLAN_MODES,
  MACVLAN_MODES,
  RTEXT_FILTER_SKIP_STATS,
  RTM_DELLINK,
  RTM_GETLINK,
  RTM_NEWLINK,
  RTM_SETLINK,
  VETH_INFO_PEER,
} from './constants.ts';
import { IFINFOMSG_LENGTH } from './link.ts';

/** `#define IFNAMSIZ 16`, the closing NUL included. Longer names can only be alternative names. */
const NAME_LENGTH_MAX = 15;

/** What every new link can be given. What is left out is the kernel's choice. */
export interface LinkOptions {
  name: string;
  mac?: string | undefined;
  mtu?: number | undefined;
  /** Brought up at once. */
  up?: boolean | undefined;
  /** Index of the bridge it becomes a port of. */
  master?: number | undefined;
  txQueueLength?: number | undefined;
  /** The namespace it is made in; that of the socket by default. */
  netns?: NetnsHandle | undefined;
}

export interface BridgeSpec extends LinkOptions, BridgeSettings {
  kind: 'bridge';
}

/**
 * Both ends of a pair. The peer is made directly in its own namespace: nobody ever sees it elsewhere. It cannot be brought
 * up in the same message (the two are joined only afterwards; the kernel would answer ENOTCONN).
 */
export interface VethSpec extends LinkOptions {
  kind: 'veth';
  peer: Omit<LinkOptions, 'up'>;
}

/** A link of any other kind that needs no settings: `dummy`, `ifb`. */
export interface PlainSpec extends LinkOptions {
  kind: 'dummy' | 'ifb';
}

/** A link that has another below it, its parent: given by index, in the namespace of the socket also where `netns` is another. */
interface UpperLinkOptions extends LinkOptions {
  parent: number;
}

export type MacvlanMode = keyof typeof MACVLAN_MODES;
export type IpvlanMode = keyof typeof IPVLAN_MODES;
export type IpvlanFlag = keyof typeof IPVLAN_FLAGS;

/** A MAC address of its own on the parent. In mode `passthru` the kernel gives it the parent's, whatever `mac` says. */
export interface MacvlanSpec extends UpperLinkOptions {
  kind: 'macvlan';
  mode: MacvlanMode;
}

/** The parent's MAC address, and addresses of its own. */
export interface IpvlanSpec extends UpperLinkOptions {
  kind: 'ipvlan';
  mode: IpvlanMode;
  flag: IpvlanFlag;
}

/** IEEE 802.1Q: what its parent sends and receives with this tag. */
export interface VlanSpec extends UpperLinkOptions {
  kind: 'vlan';
  /** 1 to 4094 */
  id: number;
}

export type LinkSpec = BridgeSpec | VethSpec | PlainSpec | MacvlanSpec | IpvlanSpec | VlanSpec;

/** Times are in seconds. */
export interface BridgeSettings {
  stp?: boolean | undefined;
  forwardDelay?: number | undefined;
  ageingTime?: number | undefined;
  vlanFiltering?: boolean | undefined;
  multicastSnooping?: boolean | undefined;
  nfCallIptables?: boolean | undefined;
}

export interface LinkChange {
  name?: string;
  mac?: string;
  mtu?: number;
  up?: boolean;
  /** Index of a bridge, or `null` to take the link out of the one it is in. */
  master?: number | null;
  /** Free text, shown by `ip link`. The kernel takes it for an existing link only. */
  alias?: string;
  txQueueLength?: number;
  /** Moves the link into another namespace (under `name`, if given). */
  netns?: NetnsHandle;
}

export interface BridgePortChange {
  /** Frames may go back out of the port they came in by: needed where a container reaches its own published port. */
  hairpin?: boolean;
  /** No traffic between isolated ports. */
  isolated?: boolean;
  learning?: boolean;
  unicastFlood?: boolean;
  neighbourSuppression?: boolean;
}

/** Makes a link; errno EEXIST when the name is taken. */
export function addLink(spec: LinkSpec): NetlinkRequest {
  const head = ifinfomsg(0, spec.up === undefined ? {} : { up: spec.up });
  return netlinkRequest(
    `create ${spec.kind} ${spec.name}`,
    RTM_NEWLINK,
    NLM_F_CREATE | NLM_F_EXCL,
    head,
    (link) => {
      writeOptions(link, spec);
      if ('parent' in spec) link.u32(IFLA.LINK, spec.parent);
      link.nested(IFLA.LINKINFO, (info) => {
        info.string(IFLA_INFO.KIND, spec.kind);
        if (spec.kind === 'dummy' || spec.kind === 'ifb') return;
        info.nested(IFLA_INFO.DATA, (data) => writeKind(data, spec));
      });
    },
  );
}

/** The settings of the link's kind. */
function writeKind(data: AttributeWriter, spec: LinkSpec): void {
  switch (spec.kind) {
    case 'veth':
      data.nested(VETH_INFO_PEER, (inner) => writeOptions(inner, spec.peer), ifinfomsg(0));
      break;
    case 'bridge':
      writeBridge(data, spec);
      break;
    case 'macvlan':
      data.u32(IFLA_MACVLAN.MODE, MACVLAN_MODES[spec.mode]);
      break;
    case 'ipvlan':
      data.u16(IFLA_IPVLAN.MODE, IPVLAN_MODES[spec.mode]);
      data.u16(IFLA_IPVLAN.FLAGS, IPVLAN_FLAGS[spec.flag]);
      break;
    case 'vlan':
      data.u16(IFLA_VLAN_ID, spec.id);
      break;
    default:
      break;
  }
}

/** Changes a link, by index. */
export function setLink(index: number, change: LinkChange): NetlinkRequest {
  const what = Object.entries(change)
    .map(([key, value]) => (key === 'netns' ? `netns ${change.netns?.path}` : `${key} ${value}`))
    .join(', ');
  const head = ifinfomsg(index, change.up === undefined ? {} : { up: change.up });
  return netlinkRequest(`set link ${index} ${what}`, RTM_SETLINK, 0, head, (link) =>
    writeOptions(link, { ...change, master: change.master === null ? 0 : change.master }),
  );
}

/** Changes a bridge's own settings, by its index. */
export function setBridge(index: number, settings: BridgeSettings): NetlinkRequest {
  return netlinkRequest(`set bridge ${index}`, RTM_NEWLINK, 0, ifinfomsg(index), (link) =>
    link.nested(IFLA.LINKINFO, (info) =>
      info.string(IFLA_INFO.KIND, 'bridge').nested(IFLA_INFO.DATA, (data) => writeBridge(data, settings)),
    ),
  );
}

/** Changes how a bridge treats one of its ports, by the port's index. */
export function setBridgePort(index: number, change: BridgePortChange): NetlinkRequest {
  return netlinkRequest(`set bridge port ${index}`, RTM_NEWLINK, 0, ifinfomsg(index), (link) =>
    link.nested(IFLA.LINKINFO, (info) =>
      info.string(IFLA_INFO.SLAVE_KIND, 'bridge').nested(IFLA_INFO.SLAVE_DATA, (data) => {
        const flag = (type: number, value: boolean | undefined) => {
          if (value !== undefined) data.u8(type, value ? 1 : 0);
        };
        flag(IFLA_BRPORT.MODE, change.hairpin);
        flag(IFLA_BRPORT.ISOLATED, change.isolated);
        flag(IFLA_BRPORT.LEARNING, change.learning);
        flag(IFLA_BRPORT.UNICAST_FLOOD, change.unicastFlood);
        flag(IFLA_BRPORT.NEIGH_SUPPRESS, change.neighbourSuppression);
      }),
    ),
  );
}

/** Deletes a link; with one end of a veth pair goes the other. errno ENODEV when there is none. */
export function deleteLink(link: number | string): NetlinkRequest {
  const [index, byName] = selector(link);
  return netlinkRequest(`delete link ${link}`, RTM_DELLINK, 0, ifinfomsg(index), byName);
}

/** Asks for one link; errno ENODEV when there is none. A name may be an alternative one. */
export function getLink(link: number | string): NetlinkRequest {
  const [index, byName] = selector(link);
  return netlinkRequest(`get link ${link}`, RTM_GETLINK, 0, ifinfomsg(index), (attributes) => {
    byName(attributes);
    attributes.u32(IFLA.EXT_MASK, RTEXT_FILTER_SKIP_STATS);
  });
}

/** What a list of links is narrowed to, by the kernel. */
export interface LinkFilter {
  /** Index of a bridge: only its ports. */
  master?: number | undefined;
  /** `veth`, `bridge` … */
  kind?: string | undefined;
}

/** Asks for all links (a dump). */
export function listLinks(filter: LinkFilter = {}): NetlinkRequest {
  return netlinkRequest('list links', RTM_GETLINK, 0, ifinfomsg(0), (attributes) => {
    attributes.u32(IFLA.EXT_MASK, RTEXT_FILTER_SKIP_STATS);
    if (filter.master !== undefined) attributes.u32(IFLA.MASTER, filter.master);
    const { kind } = filter;
    if (kind !== undefined) {
      attributes.nested(IFLA.LINKINFO, (info) => info.string(IFLA_INFO.KIND, kind));
    }
  });
}

function ifinfomsg(index: number, flags: { up?: boolean } = {}): Buffer {
  const head = Buffer.alloc(IFINFOMSG_LENGTH);
  head.writeUInt8(AF_UNSPEC, 0);
  head.writeInt32LE(index, 4);
  if (flags.up !== undefined) {
    head.writeUInt32LE(flags.up ? IFF_UP : 0, 8);
    head.writeUInt32LE(IFF_UP, 12); // ifi_change: the bits that are meant
  }
  return head;
}

function writeOptions(
  link: AttributeWriter,
  options: Partial<LinkOptions> & { alias?: string | undefined },
): void {
  const { name, mac, mtu, master, alias, txQueueLength, netns } = options;
  if (name !== undefined) link.string(IFLA.IFNAME, checkedName(name));
  if (mac !== undefined) link.bytes(IFLA.ADDRESS, macBytes(mac));
  if (mtu !== undefined) link.u32(IFLA.MTU, mtu);
  if (master !== undefined) link.u32(IFLA.MASTER, master);
  if (alias !== undefined) link.string(IFLA.IFALIAS, alias);
  if (txQueueLength !== undefined) link.u32(IFLA.TXQLEN, txQueueLength);
  if (netns !== undefined) link.u32(IFLA.NET_NS_FD, netns.fd);
}

function writeBridge(data: AttributeWriter, settings: BridgeSettings): void {
  const { stp, forwardDelay, ageingTime, vlanFiltering, multicastSnooping, nfCallIptables } = settings;
  // In USER_HZ, hundredths of a second.
  if (forwardDelay !== undefined) data.u32(IFLA_BR.FORWARD_DELAY, Math.round(forwardDelay * 100));
  if (ageingTime !== undefined) data.u32(IFLA_BR.AGEING_TIME, Math.round(ageingTime * 100));
  if (stp !== undefined) data.u32(IFLA_BR.STP_STATE, stp ? 1 : 0);
  if (vlanFiltering !== undefined) data.u8(IFLA_BR.VLAN_FILTERING, vlanFiltering ? 1 : 0);
  if (multicastSnooping !== undefined) data.u8(IFLA_BR.MCAST_SNOOPING, multicastSnooping ? 1 : 0);
  if (nfCallIptables !== undefined) data.u8(IFLA_BR.NF_CALL_IPTABLES, nfCallIptables ? 1 : 0);
}

function selector(link: number | string): [index: number, byName: (attributes: AttributeWriter) => void] {
  if (typeof link === 'number') return [link, () => {}];
  const type = Buffer.byteLength(link) > NAME_LENGTH_MAX ? IFLA.ALT_IFNAME : IFLA.IFNAME;
  return [0, (attributes) => attributes.string(type, link)];
}

/** The kernel's own rules (`dev_valid_name()`), told in words instead of a bare EINVAL. */
function checkedName(name: string): string {
  const why =
    Buffer.byteLength(name) > NAME_LENGTH_MAX
      ? `longer than ${NAME_LENGTH_MAX} bytes`
      : name === '' || name === '.' || name === '..' || /[/:\s]/.test(name)
        ? 'empty, a dot name, or holds a slash, colon or space'
        : undefined;
  if (why) throw internal(`interface name ${JSON.stringify(name)} is ${why}`, { errno: 'EINVAL' });
  return name;
}
