/**
 * Neighbours (ARP, NDP) and bridge forwarding entries: RTM_*NEIGH, `struct ndmsg { family u8, pad u8, pad u16, ifindex s32,
 * state u16, flags u8, type u8 }`.
 */
import {
  AF_BRIDGE,
  AF_INET,
  AF_INET6,
  addressBytes,
  addressText,
  familyOf,
  macBytes,
  macText,
} from '../../address.ts';
import { readAttributes } from '../attributes.ts';
import { NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE } from '../constants.ts';
import { type NetlinkMessage, type NetlinkRequest, netlinkRequest } from '../message.ts';
import {
  NDA,
  NEIGHBOUR_STATES,
  NTF_MASTER,
  NTF_PROXY,
  NTF_SELF,
  RTM_DELNEIGH,
  RTM_GETNEIGH,
  RTM_NEWNEIGH,
} from './constants.ts';

const NDMSG_LENGTH = 12;

export type NeighbourState = keyof typeof NEIGHBOUR_STATES | 'none';

export interface Neighbour {
  /** 4 and 6 have an address; `bridge` is a forwarding entry: a MAC behind a port. */
  readonly family: 4 | 6 | 'bridge';
  readonly link: number;
  readonly address: string | undefined;
  readonly mac: string | undefined;
  readonly state: NeighbourState;
  /** Answered for, not owned (`ip neigh add proxy`). */
  readonly proxy: boolean;
  /** Forwarding entries: the bridge, and the VLAN. */
  readonly master: number | undefined;
  readonly vlan: number | undefined;
}

export interface NeighbourSpec {
  link: number;
  address: string;
  /** Unset for a proxy entry. */
  mac?: string | undefined;
  /** Default: `permanent`. */
  state?: Exclude<NeighbourState, 'none'> | undefined;
  proxy?: boolean | undefined;
}

/** errno EEXIST when there is an entry for the address. */
export function addNeighbour(spec: NeighbourSpec): NetlinkRequest {
  return newNeighbour('add', NLM_F_CREATE | NLM_F_EXCL, spec);
}

export function replaceNeighbour(spec: NeighbourSpec): NetlinkRequest {
  return newNeighbour('replace', NLM_F_CREATE | NLM_F_REPLACE, spec);
}

/** errno ENOENT when there is none. */
export function deleteNeighbour(spec: Pick<NeighbourSpec, 'link' | 'address' | 'proxy'>): NetlinkRequest {
  const { link, address, proxy } = spec;
  return netlinkRequest(
    `delete neighbour ${address} of link ${link}`,
    RTM_DELNEIGH,
    0,
    ndmsg(familyOf(address), link, 0, proxy ? NTF_PROXY : 0),
    (attributes) => attributes.bytes(NDA.DST, addressBytes(address)),
  );
}

/** A fixed forwarding entry of a bridge: `mac` is behind the port `link`. */
export function addForwardingEntry(spec: { link: number; mac: string; master?: boolean }): NetlinkRequest {
  const { link, mac } = spec;
  return netlinkRequest(
    `add forwarding entry ${mac} on link ${link}`,
    RTM_NEWNEIGH,
    NLM_F_CREATE | NLM_F_REPLACE,
    ndmsg(AF_BRIDGE, link, NEIGHBOUR_STATES.permanent, spec.master === false ? NTF_SELF : NTF_MASTER),
    (attributes) => attributes.bytes(NDA.LLADDR, macBytes(mac)),
  );
}

/** Asks for all neighbours of a family (a dump); `bridge` for forwarding entries. */
export function listNeighbours(filter: { family: 4 | 6 | 'bridge' }): NetlinkRequest {
  const family = filter.family === 4 ? AF_INET : filter.family === 6 ? AF_INET6 : AF_BRIDGE;
  return netlinkRequest('list neighbours', RTM_GETNEIGH, 0, ndmsg(family, 0, 0, 0));
}

/** Reads an RTM_NEWNEIGH or RTM_DELNEIGH message. */
export function readNeighbour(message: NetlinkMessage): Neighbour {
  const { body } = message;
  const family = body.readUInt8(0);
  const attributes = readAttributes(body, NDMSG_LENGTH);
  const address = attributes.bytes(NDA.DST);
  const mac = attributes.bytes(NDA.LLADDR);
  const state = body.readUInt16LE(8);
  const name = Object.entries(NEIGHBOUR_STATES).find(([, bit]) => (state & bit) !== 0)?.[0];
  return {
    family: family === AF_INET ? 4 : family === AF_INET6 ? 6 : 'bridge',
    link: body.readInt32LE(4),
    address: address && addressText(address),
    mac: mac && macText(mac),
    state: (name as NeighbourState | undefined) ?? 'none',
    proxy: (body.readUInt8(10) & NTF_PROXY) !== 0,
    master: attributes.u32(NDA.MASTER),
    vlan: attributes.u16(NDA.VLAN),
  };
}

function newNeighbour(verb: string, flags: number, spec: NeighbourSpec): NetlinkRequest {
  const { link, address, mac } = spec;
  return netlinkRequest(
    `${verb} neighbour ${address} on link ${link}`,
    RTM_NEWNEIGH,
    flags,
    ndmsg(familyOf(address), link, NEIGHBOUR_STATES[spec.state ?? 'permanent'], spec.proxy ? NTF_PROXY : 0),
    (attributes) => {
      attributes.bytes(NDA.DST, addressBytes(address));
      if (mac !== undefined) attributes.bytes(NDA.LLADDR, macBytes(mac));
    },
  );
}

function ndmsg(family: number, link: number, state: number, flags: number): Buffer {
  const head = Buffer.alloc(NDMSG_LENGTH);
  head.writeUInt8(family, 0);
  head.writeInt32LE(link, 4);
  head.writeUInt16LE(state, 8);
  head.writeUInt8(flags, 10);
  return head;
}
