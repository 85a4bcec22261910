/** Interface addresses: RTM_*ADDR, `struct ifaddrmsg { family u8, prefixlen u8, flags u8, scope u8, index u32 }`. */
import { AF_INET, addressBytes, addressText, familyOf } from '../../address.ts';
import { readAttributes } from '../attributes.ts';
import { NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE } from '../constants.ts';
import { type NetlinkMessage, type NetlinkRequest, netlinkRequest } from '../message.ts';
import {
  IFA,
  IFA_F_DADFAILED,
  IFA_F_DEPRECATED,
  IFA_F_NODAD,
  IFA_F_NOPREFIXROUTE,
  IFA_F_PERMANENT,
  IFA_F_SECONDARY,
  IFA_F_TENTATIVE,
  RTM_DELADDR,
  RTM_GETADDR,
  RTM_NEWADDR,
  SCOPES,
} from './constants.ts';

const IFADDRMSG_LENGTH = 8;

export type Scope = keyof typeof SCOPES;

/** An address on an interface, as the kernel reports it. */
export interface InterfaceAddress {
  /** Index of the interface. */
  readonly link: number;
  readonly family: 4 | 6;
  readonly address: string;
  readonly prefixLength: number;
  /** The other end of a point-to-point address, where it differs from `address`. */
  readonly peer: string | undefined;
  readonly broadcast: string | undefined;
  readonly scope: Scope | number;
  /** IPv4 only: the interface's name, or an alias of the ifconfig kind (`eth0:1`). */
  readonly label: string | undefined;
  readonly secondary: boolean;
  readonly permanent: boolean;
  readonly deprecated: boolean;
  /** IPv6: duplicate address detection has not ended yet. */
  readonly tentative: boolean;
  readonly dadFailed: boolean;
}

/** An address to be set. */
export interface AddressSpec {
  link: number;
  address: string;
  prefixLength: number;
  broadcast?: string | undefined;
  /** Default: `universe`, as the kernel has it. */
  scope?: Scope | undefined;
  label?: string | undefined;
  /** IPv6: usable at once, without duplicate address detection (which takes a second). */
  nodad?: boolean | undefined;
  /** No route for the prefix is added with it. */
  noPrefixRoute?: boolean | undefined;
}

/** errno EEXIST when the interface has the address already. */
export function addAddress(spec: AddressSpec): NetlinkRequest {
  return newAddress('add', NLM_F_CREATE | NLM_F_EXCL, spec);
}

/** Adds the address, or updates it where it exists. */
export function replaceAddress(spec: AddressSpec): NetlinkRequest {
  return newAddress('replace', NLM_F_CREATE | NLM_F_REPLACE, spec);
}

/** errno EADDRNOTAVAIL when the interface does not have it. */
export function deleteAddress(spec: Pick<AddressSpec, 'link' | 'address' | 'prefixLength'>): NetlinkRequest {
  const { link, address, prefixLength } = spec;
  const bytes = addressBytes(address);
  return netlinkRequest(
    `delete address ${address}/${prefixLength} of link ${link}`,
    RTM_DELADDR,
    0,
    ifaddrmsg(familyOf(address), prefixLength, 0, 0, link),
    (attributes) => attributes.bytes(IFA.LOCAL, bytes).bytes(IFA.ADDRESS, bytes),
  );
}

/** Asks for all addresses (a dump), of one interface and family if given. */
export function listAddresses(
  filter: { link?: number | undefined; family?: 4 | 6 | undefined } = {},
): NetlinkRequest {
  const family = filter.family === undefined ? 0 : filter.family === 4 ? AF_INET : 10;
  return netlinkRequest('list addresses', RTM_GETADDR, 0, ifaddrmsg(family, 0, 0, 0, filter.link ?? 0));
}

/** Reads an RTM_NEWADDR or RTM_DELADDR message. */
export function readAddress(message: NetlinkMessage): InterfaceAddress {
  const { body } = message;
  const attributes = readAttributes(body, IFADDRMSG_LENGTH);
  const flags = attributes.u32(IFA.FLAGS) ?? body.readUInt8(2);
  // IPv4 always has IFA_LOCAL; IPv6 has it only beside a peer. IFA_ADDRESS is the peer where there is one.
  const prefix = attributes.bytes(IFA.ADDRESS);
  const local = attributes.bytes(IFA.LOCAL) ?? prefix;
  const broadcast = attributes.bytes(IFA.BROADCAST);
  return {
    link: body.readUInt32LE(4),
    family: body.readUInt8(0) === AF_INET ? 4 : 6,
    address: local ? addressText(local) : '',
    prefixLength: body.readUInt8(1),
    peer: local && prefix && !local.equals(prefix) ? addressText(prefix) : undefined,
    broadcast: broadcast && addressText(broadcast),
    scope: scopeName(body.readUInt8(3)),
    label: attributes.string(IFA.LABEL),
    secondary: (flags & IFA_F_SECONDARY) !== 0,
    permanent: (flags & IFA_F_PERMANENT) !== 0,
    deprecated: (flags & IFA_F_DEPRECATED) !== 0,
    tentative: (flags & IFA_F_TENTATIVE) !== 0,
    dadFailed: (flags & IFA_F_DADFAILED) !== 0,
  };
}

/** `universe`, `link` …, or the number where it has no name. */
export function scopeName(value: number): Scope | number {
  const entry = Object.entries(SCOPES).find(([, number]) => number === value);
  return entry ? (entry[0] as Scope) : value;
}

function newAddress(verb: string, flags: number, spec: AddressSpec): NetlinkRequest {
  const { link, address, prefixLength, broadcast, label } = spec;
  const bytes = addressBytes(address);
  const bits = (spec.nodad ? IFA_F_NODAD : 0) | (spec.noPrefixRoute ? IFA_F_NOPREFIXROUTE : 0);
  return netlinkRequest(
    `${verb} address ${address}/${prefixLength} on link ${link}`,
    RTM_NEWADDR,
    flags,
    ifaddrmsg(familyOf(address), prefixLength, bits & 0xff, SCOPES[spec.scope ?? 'universe'], link),
    (attributes) => {
      attributes.bytes(IFA.LOCAL, bytes).bytes(IFA.ADDRESS, bytes);
      if (broadcast !== undefined) attributes.bytes(IFA.BROADCAST, addressBytes(broadcast));
      if (label !== undefined) attributes.string(IFA.LABEL, label);
      if (bits !== 0) attributes.u32(IFA.FLAGS, bits);
    },
  );
}

function ifaddrmsg(family: number, prefixLength: number, flags: number, scope: number, link: number): Buffer {
  const head = Buffer.alloc(IFADDRMSG_LENGTH);
  head.writeUInt8(family, 0);
  head.writeUInt8(prefixLength, 1);
  head.writeUInt8(flags, 2);
  head.writeUInt8(scope, 3);
  head.writeUInt32LE(link, 4);
  return head;
}
