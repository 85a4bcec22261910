/** What the kernel's tables hold, as read by `nft -j list table`: the least that a plan needs to know. */

import { invalid } from '../../../base/errors.ts';
import { Ip, type IpFamily } from '../../../base/ip.ts';
import { isOurComment } from './comment.ts';
import { NFT_FAMILY, NFT_TABLE, type NftHook, tableName } from './ruleset.ts';

export interface ObservedNftRule {
  /** Absent in what is assumed and was not read. */
  readonly handle?: number;
  readonly comment?: string;
  /** True when the comment says that we wrote it. */
  readonly ours: boolean;
  /** Chains that the rule jumps or goes to. */
  readonly targets: readonly string[];
}

export interface ObservedNftChain {
  readonly hook?: NftHook;
  readonly rules: readonly ObservedNftRule[];
}

export interface ObservedNftSet {
  readonly keyType: string;
  readonly dataType?: string;
  readonly interval: boolean;
  /** By key; the value is the data of a map's element. */
  readonly elements: ReadonlyMap<string, string | undefined>;
}

export interface ObservedNftTable {
  readonly chains: ReadonlyMap<string, ObservedNftChain>;
  readonly sets: ReadonlyMap<string, ObservedNftSet>;
}

/** Our table in each family; `undefined` where there is none. */
export interface ObservedNft {
  readonly v4: ObservedNftTable | undefined;
  readonly v6: ObservedNftTable | undefined;
}

/** More than any layout of ours can hold (two maps of all ports of all protocols, several times over). */
const MAX_OBJECTS = 1_000_000;

type Json = Readonly<Record<string, unknown>>;

/**
 * Reads our tables.
 *
 * @param list runs one `list` command of nft(8) with JSON output and returns the array below `nftables`
 *   (libnftables-json(5)): `NftContext.list()` with the output `stateless`
 */
export function observeNft(list: (command: string) => readonly unknown[]): ObservedNft {
  const tables = list('list tables').map((entry) => record(record(entry).table));
  const read = (family: IpFamily) =>
    tables.some((table) => table.family === NFT_FAMILY[family] && table.name === NFT_TABLE)
      ? parseNftTable(list(`list table ${tableName(family)}`))
      : undefined;
  return { v4: read(4), v6: read(6) };
}

/** Reads the objects of one table. Throws `invalid` for what is not their format, or far too much of it. */
export function parseNftTable(objects: readonly unknown[]): ObservedNftTable {
  const chains = new Map<string, { hook?: NftHook; rules: ObservedNftRule[] }>();
  const sets = new Map<string, ObservedNftSet>();
  let budget = MAX_OBJECTS - objects.length;
  for (const object of objects) {
    const { chain, rule, set, map } = record(object);
    if (chain !== undefined) {
      const hook = readHook(record(chain));
      chains.set(name(record(chain)), { ...(hook === undefined ? {} : { hook }), rules: [] });
    } else if (rule !== undefined) {
      chains.get(String(record(rule).chain))?.rules.push(readRule(record(rule)));
    } else if (set !== undefined || map !== undefined) {
      const body = record(set ?? map);
      budget -= list(body.elem).length;
      if (budget < 0) throw invalid(`read nftables: more than ${MAX_OBJECTS} objects in one table`);
      sets.set(name(body), readSet(body));
    }
  }
  return { chains, sets };
}

function readHook(chain: Json): NftHook | undefined {
  const { type, hook, prio, policy } = chain;
  if (hook === undefined) return undefined;
  return {
    type: type as NftHook['type'],
    hook: hook as NftHook['hook'],
    priority: Number(prio),
    policy: policy === 'drop' ? 'drop' : 'accept',
  };
}

function readRule(rule: Json): ObservedNftRule {
  const targets = list(rule.expr).flatMap((statement) => {
    const { jump, goto } = record(statement);
    const target = record(jump ?? goto ?? {}).target;
    return typeof target === 'string' ? [target] : [];
  });
  const comment = typeof rule.comment === 'string' ? rule.comment : undefined;
  return {
    handle: Number(rule.handle),
    ...(comment === undefined ? {} : { comment }),
    ours: isOurComment(comment),
    targets,
  };
}

function readSet(set: Json): ObservedNftSet {
  const types = Array.isArray(set.type) ? set.type.map(String) : [String(set.type)];
  const isMap = typeof set.map === 'string';
  const dataTypes = isMap ? String(set.map).split(' . ') : [];
  const elements = list(set.elem).map((element): [string, string | undefined] => {
    if (!isMap) return [readValue(element, types), undefined];
    const [key, data] = list(element);
    return [readValue(key, types), readValue(data, dataTypes)];
  });
  return {
    keyType: types.join(' . '),
    ...(isMap ? { dataType: String(set.map) } : {}),
    interval: list(set.flags).includes('interval'),
    elements: new Map(elements),
  };
}

/** A key or data, as the compiler spells it. */
function readValue(value: unknown, types: readonly string[]): string {
  if (typeof value !== 'object' || value === null) return readPart(value, types[0]);
  const { concat, elem, jump, goto, range, prefix } = value as Json;
  if (elem !== undefined) return readValue(record(elem).val, types);
  if (concat !== undefined) {
    return list(concat)
      .map((part, index) => readValue(part, types.slice(index, index + 1)))
      .join(' . ');
  }
  if (jump !== undefined) return `jump ${record(jump).target}`;
  if (goto !== undefined) return `goto ${record(goto).target}`;
  if (range !== undefined) {
    return list(range)
      .map((end) => readPart(end, types[0]))
      .join('-');
  }
  if (prefix !== undefined) return `${readPart(record(prefix).addr, types[0])}/${record(prefix).len}`;
  return JSON.stringify(value);
}

/** nft names protocols by /etc/protocols, and by number where that file is missing. */
const PROTOCOL_NAMES: Readonly<Record<string, string>> = { '6': 'tcp', '17': 'udp', '132': 'sctp' };

function readPart(value: unknown, type: string | undefined): string {
  const text = String(value);
  if (type === 'ifname') return `"${text}"`;
  if (type === 'inet_proto') return PROTOCOL_NAMES[text] ?? text;
  if (type === 'ipv6_addr') return Ip.tryParse(text)?.toString() ?? text;
  return text;
}

function record(value: unknown): Json {
  if (typeof value !== 'object' || value === null) {
    throw invalid(`read nftables: want an object, got ${JSON.stringify(value)}`);
  }
  return value as Json;
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : value === undefined ? [] : [value];
}

function name(object: Json): string {
  if (typeof object.name !== 'string') throw invalid('read nftables: an object without a name');
  return object.name;
}
