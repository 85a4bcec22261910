/**
 * What a rule asks of a packet, whichever firewall it was written for: values of some fields, compared with a list. The answer
 * has three values, since not every question can be answered by a model.
 */

import type { IpFamily } from '../../base/ip.ts';
import { type Packet, type PacketProtocol, protocolNumber } from './packet.ts';

/** True, false, or undefined: it cannot be told. */
export type Ternary = boolean | undefined;

/** What can be read off a packet. `ct-…` is what connection tracking knows, of the first packet as it came. */
export type Field =
  | 'source'
  | 'destination'
  | 'source-port'
  | 'destination-port'
  | 'protocol'
  | 'family'
  | 'input'
  | 'output'
  | 'bridge-input'
  | 'bridge-output'
  | 'mark'
  | 'ct-mark'
  | 'ct-state'
  /** As `ct-state`, with bits for what was translated: iptables's `--ctstate`. */
  | 'ct-state-or-nat'
  | 'ct-status'
  | 'ct-direction'
  | 'ct-source'
  | 'ct-destination'
  | 'ct-source-port'
  | 'ct-destination-port'
  | 'ct-protocol'
  | 'source-type'
  | 'destination-type'
  | 'tcp-flags'
  | 'icmp-type'
  | 'packet-type'
  /** The route back to the source leaves by the interface the packet came by: 1, or 0. */
  | 'reverse-path';

/** A stretch of numbers, both ends included, or a text, which may end in `*`. `any`: whatever it is. */
export type Span = { readonly from: bigint; readonly to: bigint } | { readonly text: string } | 'any';

export type Condition = FieldCondition | OpaqueCondition;

export interface FieldCondition {
  readonly kind: 'fields';
  readonly fields: readonly Field[];
  readonly test:
    | { readonly kind: 'in'; readonly entries: ReadonlyArray<readonly Span[]> }
    /** At least one of these bits is set. */
    | { readonly kind: 'bits'; readonly mask: number }
    /** `value & mask` is `value`. */
    | { readonly kind: 'masked'; readonly mask: number; readonly value: number };
  readonly negated: boolean;
  /** The question makes sense for such packets only; others do not match, negated or not. */
  readonly only?: { readonly family?: IpFamily; readonly protocols?: readonly PacketProtocol[] };
  /** As it stands in the rule. */
  readonly text: string;
  /** Name of the set that was looked into. */
  readonly set?: string;
}

/** A question that the model cannot answer. */
export interface OpaqueCondition {
  readonly kind: 'opaque';
  readonly text: string;
  readonly negated: boolean;
}

/** `IPS_*` of nf_conntrack_common.h, and the bits of `--ctstate` and nft's `ct state`. */
export const CT_STATE = { invalid: 1, established: 2, related: 4, new: 8, untracked: 64 } as const;
export const CT_STATUS = {
  expected: 1,
  'seen-reply': 2,
  assured: 4,
  confirmed: 8,
  snat: 16,
  dnat: 32,
  dying: 512,
} as const;
/** `XT_CONNTRACK_STATE_SNAT = 1 << (IP_CT_NUMBER + 1)`, `…_DNAT` (xt_conntrack.h): `--ctstate SNAT,DNAT`. */
export const CT_STATE_NAT = { snat: 128, dnat: 256 } as const;

/** What a namespace's routes say, for conditions that ask them. */
export interface Surroundings {
  /** `local`, `unicast`, `broadcast` …; undefined where it cannot be told. */
  addressType(address: bigint, family: IpFamily): string | undefined;
  /** Whether the route back to the packet's source leaves by the interface it came in by. */
  reversePath(packet: Packet): boolean | undefined;
}

export function evaluate(condition: Condition, packet: Packet, around: Surroundings): Ternary {
  if (condition.kind === 'opaque') return undefined;
  const { only } = condition;
  if (only?.family !== undefined && only.family !== packet.family) return false;
  if (only?.protocols !== undefined && !only.protocols.includes(packet.protocol)) return false;
  const values = condition.fields.map((field) => fieldValue(field, packet, around));
  const found = test(condition, values);
  return found === undefined ? undefined : found !== condition.negated;
}

function test({ test }: FieldCondition, values: readonly Value[]): Ternary {
  if (test.kind === 'in') return findEntry(test.entries, values).found;
  const [value] = values;
  if (value === undefined) return undefined;
  if (value === null || typeof value === 'string') return false;
  const number = Number(value);
  return test.kind === 'bits' ? (number & test.mask) !== 0 : (number & test.mask) >>> 0 === test.value;
}

/** null: the packet has no such thing, and so nothing matches. undefined: it cannot be told. */
export type Value = bigint | string | null | undefined;

/** The first entry that all values agree with. */
export function findEntry(
  entries: ReadonlyArray<readonly Span[]>,
  values: readonly Value[],
): { readonly found: Ternary; readonly index: number } {
  let doubt = false;
  for (const [index, entry] of entries.entries()) {
    const matches = values.map((value, at) => within(entry[at] ?? 'any', value));
    if (matches.every((match) => match === true)) return { found: true, index };
    if (matches.every((match) => match !== false)) doubt = true;
  }
  return { found: doubt ? undefined : false, index: -1 };
}

function within(span: Span, value: Value): Ternary {
  if (span === 'any') return true;
  if (value === undefined) return undefined;
  if (value === null) return false;
  if ('text' in span) {
    const text = String(value);
    return span.text.endsWith('*') ? text.startsWith(span.text.slice(0, -1)) : text === span.text;
  }
  return typeof value === 'bigint' && value >= span.from && value <= span.to;
}

export function fieldValue(field: Field, packet: Packet, around: Surroundings): Value {
  const { connection } = packet;
  switch (field) {
    case 'source':
      return packet.source.ip.value;
    case 'destination':
      return packet.destination.ip.value;
    case 'source-port':
      return portOf(packet, packet.source.port);
    case 'destination-port':
      return portOf(packet, packet.destination.port);
    case 'protocol':
    case 'ct-protocol':
      return BigInt(protocolNumber(packet));
    case 'family':
      return packet.family === 4 ? 'ipv4' : 'ipv6';
    case 'input':
      return packet.input ?? '';
    case 'output':
      return packet.output ?? '';
    case 'bridge-input':
      return packet.bridgeInput ?? '';
    case 'bridge-output':
      return packet.bridgeOutput ?? '';
    case 'mark':
      return BigInt(packet.mark);
    case 'ct-mark':
      return BigInt(connection?.mark ?? 0);
    case 'ct-state':
      return BigInt(stateOf(packet));
    case 'ct-state-or-nat':
      return BigInt(stateOf(packet) | natBits(statusOf(packet)));
    case 'ct-status':
      return BigInt(statusOf(packet));
    case 'ct-direction':
      return packet.direction;
    case 'ct-source':
      return connection?.original.source.ip.value ?? null;
    case 'ct-destination':
      return connection?.original.destination.ip.value ?? null;
    case 'ct-source-port':
      return connection === undefined ? null : portOf(packet, connection.original.source.port);
    case 'ct-destination-port':
      return connection === undefined ? null : portOf(packet, connection.original.destination.port);
    case 'source-type':
      return around.addressType(packet.source.ip.value, packet.family);
    case 'destination-type':
      return around.addressType(packet.destination.ip.value, packet.family);
    case 'tcp-flags':
      // FIN 1, SYN 2, RST 4, PSH 8, ACK 16: a connection begins with SYN, which SYN and ACK answer.
      return packet.protocol !== 'tcp' ? null : packet.direction === 'original' ? 2n : 18n;
    case 'icmp-type':
      return packet.protocol === 'icmp' ? echoType(packet) : null;
    case 'packet-type':
      return 'host';
    case 'reverse-path': {
      const back = around.reversePath(packet);
      return back === undefined ? undefined : back ? 1n : 0n;
    }
  }
}

/** Echo request and reply: 8 and 0, in ICMPv6 128 and 129. */
function echoType({ family, direction }: Packet): bigint {
  if (family === 4) return direction === 'original' ? 8n : 0n;
  return direction === 'original' ? 128n : 129n;
}

function portOf({ protocol }: Packet, port: number): bigint | null {
  return protocol === 'icmp' ? null : BigInt(port);
}

/** The one bit of `CT_STATE` that holds. */
export function stateOf({ connection, direction }: Packet): number {
  if (connection === undefined || connection.invalid) return CT_STATE.invalid;
  if (connection.untracked) return CT_STATE.untracked;
  return direction === 'original' ? CT_STATE.new : CT_STATE.established;
}

function natBits(status: number): number {
  return (
    ((status & CT_STATUS.snat) === 0 ? 0 : CT_STATE_NAT.snat) |
    ((status & CT_STATUS.dnat) === 0 ? 0 : CT_STATE_NAT.dnat)
  );
}

function statusOf({ connection, direction }: Packet): number {
  if (connection === undefined) return 0;
  const { original, translated } = connection;
  const changed = (side: 'source' | 'destination') =>
    original[side].port !== translated[side].port || !original[side].ip.equals(translated[side].ip);
  return (
    (changed('source') ? CT_STATUS.snat : 0) |
    (changed('destination') ? CT_STATUS.dnat : 0) |
    (direction === 'reply' ? CT_STATUS['seen-reply'] | CT_STATUS.confirmed : 0)
  );
}

/** `a & b` of three values. */
export function both(a: Ternary, b: Ternary): Ternary {
  if (a === false || b === false) return false;
  return a === undefined || b === undefined ? undefined : true;
}
