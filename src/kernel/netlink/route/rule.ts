/**
 * Routing rules (`ip rule`): RTM_*RULE, `struct fib_rule_hdr { family u8, dst_len u8, src_len u8, tos u8, table u8, res1 u8,
 * res2 u8, action u8, flags u32 }`. Read only.
 */
import { AF_INET, AF_INET6, addressText } from '../../address.ts';
import { readAttributes } from '../attributes.ts';
import { type NetlinkMessage, type NetlinkRequest, netlinkRequest } from '../message.ts';
import { FIB_RULE_INVERT, FRA, RTM_GETRULE, RULE_ACTIONS } from './constants.ts';

const RULE_HEADER_LENGTH = 12;

/** One rule: what a packet must be like, and the table it is then routed by. What is unset matches everything. */
export interface RoutingRule {
  readonly family: 4 | 6;
  readonly priority: number;
  /** `not`: what follows is turned around. */
  readonly inverted: boolean;
  /** `10.8.0.0/16`. */
  readonly source: string | undefined;
  readonly destination: string | undefined;
  readonly inputLink: string | undefined;
  readonly outputLink: string | undefined;
  readonly mark: { readonly value: number; readonly mask: number } | undefined;
  /** IPPROTO number. */
  readonly protocol: number | undefined;
  /** It also asks what is not read here: user ids, ports, type of service. */
  readonly hasMore: boolean;
  readonly action: (typeof RULE_ACTIONS)[number];
  /** For the action `table`: 255 local, 254 main, 253 default, or one's own. */
  readonly table: number;
  /** Routes with a prefix of this length or shorter do not count; 0 leaves out default routes. */
  readonly suppressPrefixLength: number | undefined;
}

/** Asks for all rules of a family (a dump). */
export function listRules(family: 4 | 6): NetlinkRequest {
  const head = Buffer.alloc(RULE_HEADER_LENGTH);
  head.writeUInt8(family === 4 ? AF_INET : AF_INET6, 0);
  return netlinkRequest('list routing rules', RTM_GETRULE, 0, head);
}

/** Reads an RTM_NEWRULE message; `undefined` for a family other than IPv4 and IPv6. */
export function readRule(message: NetlinkMessage): RoutingRule | undefined {
  const { body } = message;
  const family = body.readUInt8(0);
  if (family !== AF_INET && family !== AF_INET6) return undefined;
  const attributes = readAttributes(body, RULE_HEADER_LENGTH);
  const prefix = (type: number, length: number) => {
    const bytes = attributes.bytes(type);
    return bytes && `${addressText(bytes)}/${length}`;
  };
  const mark = attributes.u32(FRA.FWMARK);
  const suppress = attributes.u32(FRA.SUPPRESS_PREFIXLEN);
  return {
    family: family === AF_INET ? 4 : 6,
    priority: attributes.u32(FRA.PRIORITY) ?? 0,
    inverted: (body.readUInt32LE(8) & FIB_RULE_INVERT) !== 0,
    source: prefix(FRA.SRC, body.readUInt8(2)),
    destination: prefix(FRA.DST, body.readUInt8(1)),
    inputLink: attributes.string(FRA.IIFNAME),
    outputLink: attributes.string(FRA.OIFNAME),
    mark: mark === undefined ? undefined : { value: mark, mask: attributes.u32(FRA.FWMASK) ?? 0xffffffff },
    protocol: attributes.u8(FRA.IP_PROTO),
    hasMore:
      body.readUInt8(3) !== 0 ||
      [FRA.UID_RANGE, FRA.SPORT_RANGE, FRA.DPORT_RANGE].some((type) => attributes.has(type)),
    action: RULE_ACTIONS[body.readUInt8(7)] ?? 'unspec',
    table: attributes.u32(FRA.TABLE) ?? body.readUInt8(4),
    // All ones: none.
    suppressPrefixLength: suppress === undefined || suppress === 0xffffffff ? undefined : suppress,
  };
}
