/**
 * Routes: RTM_*ROUTE, `struct rtmsg { family u8, dst_len u8, src_len u8, tos u8, table u8, protocol u8, scope u8, type u8,
 * flags u32 }`.
 */
import { AF_INET, AF_INET6, addressBytes, addressText, familyOf } from '../../address.ts';
import { readAttributes } from '../attributes.ts';
import { NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE } from '../constants.ts';
import { type NetlinkMessage, type NetlinkRequest, netlinkRequest } from '../message.ts';
import { type Scope, scopeName } from './address.ts';
import {
  ROUTE_TYPES,
  RT_TABLE_MAIN,
  RT_TABLE_UNSPEC,
  RTA,
  RTM_DELROUTE,
  RTM_GETROUTE,
  RTM_NEWROUTE,
  RTPROT_BOOT,
  SCOPES,
} from './constants.ts';

const RTMSG_LENGTH = 12;

export type RouteType = (typeof ROUTE_TYPES)[number];

/** A route as the kernel reports it. */
export interface Route {
  readonly family: 4 | 6;
  /** `172.17.0.0/16`, or `default`. */
  readonly destination: string;
  readonly gateway: string | undefined;
  /** Index of the interface it leaves by; `undefined` for blackholes and multipath routes. */
  readonly link: number | undefined;
  /** The source address that is preferred on it. */
  readonly source: string | undefined;
  readonly metric: number;
  readonly table: number;
  /** Who made it: 2 the kernel, 3 boot, 4 static … (rtnetlink.h, RTPROT_*) */
  readonly protocol: number;
  readonly scope: Scope | number;
  readonly type: RouteType;
  /** More than one next hop (RTA_MULTIPATH); `gateway` and `link` are then unset. */
  readonly multipath: boolean;
}

/** A route to be set. At least one of `gateway` and `link`, unless the type needs neither. */
export interface RouteSpec {
  /** `10.0.0.0/8`, a host address, or `default` (then `gateway` or `family` says which family). */
  destination: string;
  family?: 4 | 6 | undefined;
  gateway?: string | undefined;
  link?: number | undefined;
  source?: string | undefined;
  metric?: number | undefined;
  /** Default: the main table, 254. */
  table?: number | undefined;
  /** Default: `link` for a route without a gateway, otherwise `universe`; IPv6 knows no scopes. */
  scope?: Scope | undefined;
  /** Default: `unicast`. */
  type?: RouteType | undefined;
  protocol?: number | undefined;
}

/** errno EEXIST when there is one to the same destination with the same metric. */
export function addRoute(spec: RouteSpec): NetlinkRequest {
  return routeRequest('add', RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, spec);
}

/** Adds the route, or puts it in the place of the one to the same destination with the same metric. */
export function replaceRoute(spec: RouteSpec): NetlinkRequest {
  return routeRequest('replace', RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, spec);
}

/** Deletes the first route that agrees with what is given; errno ESRCH when none does. */
export function deleteRoute(spec: RouteSpec): NetlinkRequest {
  return routeRequest('delete', RTM_DELROUTE, 0, spec);
}

/** What a list of routes is narrowed to, by the kernel where it can (strict checking), otherwise when reading. */
export interface RouteFilter {
  family?: 4 | 6 | undefined;
  link?: number | undefined;
  /** Default: the main table; 0 means every table. */
  table?: number | undefined;
}

/** Asks for all routes of a table (a dump). */
export function listRoutes(filter: RouteFilter = {}): NetlinkRequest {
  const family = filter.family === undefined ? 0 : filter.family === 4 ? AF_INET : AF_INET6;
  const { link } = filter;
  return netlinkRequest('list routes', RTM_GETROUTE, 0, rtmsg({ family }), (attributes) => {
    if (link !== undefined) attributes.u32(RTA.OIF, link);
    const table = filter.table ?? RT_TABLE_MAIN;
    // A table that does not exist yet is ENOENT to a strict dump with a family, so the family must be known to ask so.
    if (table !== RT_TABLE_UNSPEC && family !== 0) attributes.u32(RTA.TABLE, table);
  });
}

/** Asks which way a packet to `destination` would go (`ip route get`): policy routing and all tables are the kernel's matter. */
export function lookupRoute(destination: string): NetlinkRequest {
  const bytes = addressBytes(destination);
  const head = rtmsg({ family: familyOf(destination), destinationLength: bytes.length * 8 });
  return netlinkRequest(`look up the route to ${destination}`, RTM_GETROUTE, 0, head, (attributes) =>
    attributes.bytes(RTA.DST, bytes),
  );
}

/** Whether `route` is what `filter` asks for: the part of filtering that older kernels leave to the reader. */
export function matchesRoute(route: Route, filter: RouteFilter): boolean {
  const table = filter.table ?? RT_TABLE_MAIN;
  return (
    (table === RT_TABLE_UNSPEC || route.table === table) &&
    (filter.link === undefined || route.link === filter.link) &&
    (filter.family === undefined || route.family === filter.family)
  );
}

/** Reads an RTM_NEWROUTE or RTM_DELROUTE message; `undefined` for a family other than IPv4 and IPv6. */
export function readRoute(message: NetlinkMessage): Route | undefined {
  const { body } = message;
  const family = body.readUInt8(0);
  if (family !== AF_INET && family !== AF_INET6) return undefined;
  const attributes = readAttributes(body, RTMSG_LENGTH);
  const destination = attributes.bytes(RTA.DST);
  const gateway = attributes.bytes(RTA.GATEWAY);
  const source = attributes.bytes(RTA.PREFSRC);
  return {
    family: family === AF_INET ? 4 : 6,
    destination: destination ? `${addressText(destination)}/${body.readUInt8(1)}` : 'default',
    gateway: gateway && addressText(gateway),
    link: attributes.u32(RTA.OIF),
    source: source && addressText(source),
    metric: attributes.u32(RTA.PRIORITY) ?? 0,
    table: attributes.u32(RTA.TABLE) ?? body.readUInt8(4),
    protocol: body.readUInt8(5),
    scope: scopeName(body.readUInt8(6)),
    type: ROUTE_TYPES[body.readUInt8(7)] ?? 'unspec',
    multipath: attributes.has(RTA.MULTIPATH),
  };
}

function routeRequest(verb: string, type: number, flags: number, spec: RouteSpec): NetlinkRequest {
  const { gateway, link, source, metric } = spec;
  const table = spec.table ?? RT_TABLE_MAIN;
  const [destination, lengthText] =
    spec.destination === 'default' ? [undefined] : spec.destination.split('/');
  const family = destination
    ? familyOf(destination)
    : gateway !== undefined
      ? familyOf(gateway)
      : spec.family === 6
        ? AF_INET6
        : AF_INET;
  const bytes = destination === undefined ? undefined : addressBytes(destination);
  const length = bytes === undefined ? 0 : lengthText === undefined ? bytes.length * 8 : Number(lengthText);
  const via = `${gateway === undefined ? '' : ` via ${gateway}`}${link === undefined ? '' : ` on link ${link}`}`;
  const deleting = type === RTM_DELROUTE;
  const head = rtmsg({
    family,
    destinationLength: length,
    table: table > 255 ? RT_TABLE_UNSPEC : table,
    // When deleting, what is not given must match anything: 0 for the protocol and the type, `nowhere` for the scope.
    protocol: spec.protocol ?? (deleting ? 0 : RTPROT_BOOT),
    scope: scopeOf(spec, family, deleting),
    type: ROUTE_TYPES.indexOf(spec.type ?? (deleting ? 'unspec' : 'unicast')),
  });
  return netlinkRequest(`${verb} route ${spec.destination}${via}`, type, flags, head, (attributes) => {
    if (bytes !== undefined) attributes.bytes(RTA.DST, bytes);
    if (gateway !== undefined) attributes.bytes(RTA.GATEWAY, addressBytes(gateway));
    if (link !== undefined) attributes.u32(RTA.OIF, link);
    if (source !== undefined) attributes.bytes(RTA.PREFSRC, addressBytes(source));
    if (metric !== undefined) attributes.u32(RTA.PRIORITY, metric);
    attributes.u32(RTA.TABLE, table);
  });
}

function scopeOf(spec: RouteSpec, family: number, deleting: boolean): number {
  if (spec.scope !== undefined) return SCOPES[spec.scope];
  if (deleting) return SCOPES.nowhere;
  const direct = spec.gateway === undefined && (spec.type ?? 'unicast') === 'unicast';
  return family === AF_INET && direct ? SCOPES.link : SCOPES.universe;
}

function rtmsg(fields: {
  family: number;
  destinationLength?: number;
  table?: number;
  protocol?: number;
  scope?: number;
  type?: number;
}): Buffer {
  const head = Buffer.alloc(RTMSG_LENGTH);
  head.writeUInt8(fields.family, 0);
  head.writeUInt8(fields.destinationLength ?? 0, 1);
  head.writeUInt8(fields.table ?? 0, 4);
  head.writeUInt8(fields.protocol ?? 0, 5);
  head.writeUInt8(fields.scope ?? 0, 6);
  head.writeUInt8(fields.type ?? 0, 7);
  return head;
}
