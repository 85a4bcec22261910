/** Expressions of libnftables-json(5): what a rule looks at, and what it is compared with. */

import {
  type Condition,
  CT_STATE,
  CT_STATUS,
  type Field,
  type FieldCondition,
  type Span,
} from '../condition.ts';
import type { PacketProtocol } from '../packet.ts';
import { linkSpan, numberSpan, portSpan, prefixSpan, protocolSpan } from '../spans.ts';

export type Json = Readonly<Record<string, unknown>>;
export type Only = NonNullable<FieldCondition['only']>;

/** Elements of the sets and maps of a table, by name: as the JSON has them. */
export type SetElements = (name: string) => readonly unknown[] | undefined;

/** The left side of a comparison, or a key. */
export interface Key {
  readonly fields: readonly Field[];
  readonly only: Only;
}

const PAYLOAD: Readonly<Record<string, Key>> = {
  'ip saddr': key(['source'], { family: 4 }),
  'ip daddr': key(['destination'], { family: 4 }),
  'ip protocol': key(['protocol'], { family: 4 }),
  'ip6 saddr': key(['source'], { family: 6 }),
  'ip6 daddr': key(['destination'], { family: 6 }),
  'ip6 nexthdr': key(['protocol'], { family: 6 }),
  'tcp flags': key(['tcp-flags'], { protocols: ['tcp'] }),
  'icmp type': key(['icmp-type'], { family: 4, protocols: ['icmp'] }),
  'icmpv6 type': key(['icmp-type'], { family: 6, protocols: ['icmp'] }),
  ...ports('th', ['tcp', 'udp', 'sctp']),
  ...ports('tcp', ['tcp']),
  ...ports('udp', ['udp']),
  ...ports('sctp', ['sctp']),
};

const META: Readonly<Record<string, Field>> = {
  iif: 'input',
  iifname: 'input',
  oif: 'output',
  oifname: 'output',
  mark: 'mark',
  l4proto: 'protocol',
  protocol: 'family',
  nfproto: 'family',
  pkttype: 'packet-type',
  ibrname: 'bridge-input',
  obrname: 'bridge-output',
};

const CT: Readonly<Record<string, Field>> = {
  state: 'ct-state',
  status: 'ct-status',
  direction: 'ct-direction',
  mark: 'ct-mark',
};

/** Of the original direction only: the model does not keep what answers look like. */
const CT_ORIGINAL: Readonly<Record<string, Key>> = {
  'ip saddr': key(['ct-source'], { family: 4 }),
  'ip daddr': key(['ct-destination'], { family: 4 }),
  'ip6 saddr': key(['ct-source'], { family: 6 }),
  'ip6 daddr': key(['ct-destination'], { family: 6 }),
  saddr: key(['ct-source']),
  daddr: key(['ct-destination']),
  'proto-src': key(['ct-source-port']),
  'proto-dst': key(['ct-destination-port']),
  protocol: key(['ct-protocol']),
};

/** What an expression reads; undefined for what the model does not know. */
export function readKey(expression: unknown): Key | undefined {
  const { payload, meta, ct, fib, concat } = object(expression);
  if (payload !== undefined) {
    const { protocol, field } = object(payload);
    return PAYLOAD[`${protocol} ${field}`];
  }
  if (meta !== undefined) {
    const field = META[String(object(meta).key)];
    return field && key([field]);
  }
  if (ct !== undefined) {
    const { key: name, dir } = object(ct);
    if (dir === 'original') return CT_ORIGINAL[String(name)];
    const field = dir === undefined ? CT[String(name)] : undefined;
    return field && key([field]);
  }
  if (fib !== undefined) return readFib(object(fib));
  if (Array.isArray(concat)) {
    const parts = concat.map(readKey);
    if (parts.some((part) => part === undefined)) return undefined;
    const known = parts.filter((part) => part !== undefined);
    return { fields: known.flatMap(({ fields }) => fields), only: mergeOnly(known.map(({ only }) => only)) };
  }
  return undefined;
}

function readFib({ result, flags }: Json): Key | undefined {
  const asked = [flags].flat().map(String).sort().join(' ');
  if (result === 'type' && asked === 'daddr') return key(['destination-type']);
  if (result === 'type' && asked === 'saddr') return key(['source-type']);
  if ((result === 'oif' || result === 'oifname') && asked === 'iif saddr') return key(['reverse-path']);
  return undefined;
}

/** `{ match: { op, left, right } }` as a condition; opaque where a part is not known. */
export function readMatch(match: Json, sets: SetElements): Condition {
  const { op, left, right } = match;
  const text = matchText(match);
  const opaque: Condition = { kind: 'opaque', text, negated: false };
  const masked = Array.isArray(object(left)['&']) ? (object(left)['&'] as unknown[]) : undefined;
  if (masked !== undefined) return readMasked(masked, op, right, text) ?? opaque;
  const asked = readKey(left);
  if (asked === undefined) return opaque;
  const { fields, only } = asked;
  const [field] = fields;
  const common = { kind: 'fields' as const, fields, only, text };
  const names = field === 'ct-state' ? CT_STATE : field === 'ct-status' ? CT_STATUS : undefined;
  if (names !== undefined && (op === 'in' || op === '!')) {
    const mask = bitsOf(right, names);
    return mask === undefined ? opaque : { ...common, test: { kind: 'bits', mask }, negated: op === '!' };
  }
  if (op === '<' || op === '>' || op === '<=' || op === '>=') {
    const span = comparison(op, right);
    return span === undefined
      ? opaque
      : { ...common, test: { kind: 'in', entries: [[span]] }, negated: false };
  }
  if (op !== '==' && op !== '!=' && op !== 'in') return opaque;
  const set = typeof right === 'string' && right.startsWith('@') ? right.slice(1) : undefined;
  const elements =
    set !== undefined ? sets(set) : Array.isArray(object(right).set) ? object(right).set : undefined;
  if (set !== undefined && elements === undefined) return opaque;
  const entries = readEntries((elements as unknown[] | undefined) ?? [right], fields);
  if (entries === undefined) return opaque;
  return {
    ...common,
    test: { kind: 'in', entries },
    negated: op === '!=',
    ...(set === undefined ? {} : { set }),
  };
}

/** Elements of a set (or keys of a map) as spans, one list per element. */
export function readEntries(elements: readonly unknown[], fields: readonly Field[]): Span[][] | undefined {
  const entries: Span[][] = [];
  for (const element of elements) {
    const value = object(element).elem === undefined ? element : object(object(element).elem).val;
    const { concat } = object(value);
    const parts = Array.isArray(concat) ? concat : [value];
    const spans = fields.map((field, index) => spanOf(parts[index], field));
    if (spans.some((span) => span === undefined)) return undefined;
    entries.push(spans.filter((span) => span !== undefined));
  }
  return entries;
}

function spanOf(value: unknown, field: Field): Span | undefined {
  const { range, prefix } = object(value);
  if (value === '*') return 'any';
  if (Array.isArray(range)) {
    const [from, to] = range.map((end) => spanOf(end, field));
    return from === undefined ||
      to === undefined ||
      from === 'any' ||
      to === 'any' ||
      'text' in from ||
      'text' in to
      ? undefined
      : { from: from.from, to: to.to };
  }
  if (prefix !== undefined) return prefixSpan(`${object(prefix).addr}/${object(prefix).len}`);
  switch (field) {
    case 'source':
    case 'destination':
    case 'ct-source':
    case 'ct-destination':
      return typeof value === 'string' ? prefixSpan(value) : undefined;
    case 'source-port':
    case 'destination-port':
    case 'ct-source-port':
    case 'ct-destination-port':
      return typeof value === 'number' ? numberSpan(value) : portSpan(String(value));
    case 'protocol':
    case 'ct-protocol':
      return typeof value === 'number' ? numberSpan(value) : protocolSpan(String(value));
    case 'mark':
    case 'ct-mark':
      return typeof value === 'number' ? numberSpan(value) : undefined;
    case 'reverse-path':
      // `oif missing` is `false`; an interface by name is not asked for here.
      return typeof value === 'boolean' ? numberSpan(value ? 1 : 0) : undefined;
    case 'ct-state':
    case 'ct-status': {
      const bits = bitsOf(value, field === 'ct-state' ? CT_STATE : CT_STATUS);
      return bits === undefined ? undefined : numberSpan(bits);
    }
    case 'icmp-type':
      return typeof value === 'number' ? numberSpan(value) : icmpSpan(String(value));
    case 'family':
      return { text: { ip: 'ipv4', ip6: 'ipv6' }[String(value)] ?? String(value) };
    case 'input':
    case 'output':
    case 'bridge-input':
    case 'bridge-output':
      return typeof value === 'string' ? linkSpan(value) : undefined;
    default:
      return typeof value === 'string' ? { text: value } : undefined;
  }
}

/** Names of echo requests and replies; other types never are what the model sends. */
function icmpSpan(name: string): Span {
  const number = { 'echo-request': 8n, 'echo-reply': 0n }[name];
  // In ICMPv6 these are 128 and 129; no other type of either family has one of the four numbers.
  if (number === 8n) return { from: 8n, to: 128n };
  return number === 0n ? { from: 0n, to: 0n } : { text: name };
}

function readMasked(
  [left, mask]: readonly unknown[],
  op: unknown,
  right: unknown,
  text: string,
): Condition | undefined {
  const asked = readKey(left);
  const isFlags = asked?.fields[0] === 'tcp-flags';
  const number = (value: unknown) =>
    isFlags ? flagBits(value) : typeof value === 'number' ? value : undefined;
  const [bits, value] = [number(mask), number(right)];
  if (asked === undefined || bits === undefined || value === undefined) return undefined;
  if (op !== '==' && op !== '!=') return undefined;
  const { fields, only } = asked;
  return {
    kind: 'fields',
    fields,
    only,
    text,
    test: { kind: 'masked', mask: bits, value },
    negated: op === '!=',
  };
}

const TCP_FLAGS: Readonly<Record<string, number>> = { fin: 1, syn: 2, rst: 4, psh: 8, ack: 16, urg: 32 };

function flagBits(value: unknown): number | undefined {
  if (typeof value === 'number') return value;
  return bitsOf(object(value)['|'] ?? value, TCP_FLAGS);
}

function bitsOf(value: unknown, names: Readonly<Record<string, number>>): number | undefined {
  let sum = 0;
  for (const name of [value].flat()) {
    const bit = typeof name === 'number' ? name : names[String(name)];
    if (bit === undefined) return undefined;
    sum |= bit;
  }
  return sum;
}

function comparison(op: '<' | '>' | '<=' | '>=', right: unknown): Span | undefined {
  if (typeof right !== 'number') return undefined;
  const value = BigInt(right);
  const top = 1n << 128n;
  switch (op) {
    case '<':
      return { from: 0n, to: value - 1n };
    case '<=':
      return { from: 0n, to: value };
    case '>':
      return { from: value + 1n, to: top };
    case '>=':
      return { from: value, to: top };
  }
}

/** A short text for messages where the rule's own words are not at hand. */
function matchText({ op, left, right }: Json): string {
  return `${JSON.stringify(left)} ${op} ${JSON.stringify(right)}`;
}

function mergeOnly(parts: readonly Only[]): Only {
  const family = parts.find((part) => part.family !== undefined)?.family;
  const protocols = parts.find((part) => part.protocols !== undefined)?.protocols;
  return { ...(family === undefined ? {} : { family }), ...(protocols === undefined ? {} : { protocols }) };
}

function key(fields: readonly Field[], only: Only = {}): Key {
  return { fields, only };
}

function ports(header: string, protocols: readonly PacketProtocol[]): Record<string, Key> {
  return {
    [`${header} sport`]: key(['source-port'], { protocols }),
    [`${header} dport`]: key(['destination-port'], { protocols }),
  };
}

/** Whatever it is, as an object to look into. */
export function object(value: unknown): Json {
  return typeof value === 'object' && value !== null ? (value as Json) : {};
}
