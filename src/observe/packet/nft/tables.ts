/** Objects of one table, as `nft -j list table` gives them (libnftables-json(5)), as a table of the model. */

import type { Condition } from '../condition.ts';
import type { BaseChain, Hook, NatTarget, Rule, RuleChain, RuleTable, Step, Verdict } from '../rulebook.ts';
import {
  type Json,
  type Key,
  object,
  readEntries,
  readKey,
  readMatch,
  type SetElements,
} from './expressions.ts';

/** Rules as text, by `CHAIN HANDLE`. */
export type RuleTexts = ReadonlyMap<string, string>;

/** Statements that decide nothing about the way of a packet. */
const NOTES = new Set([
  'counter',
  'log',
  'set',
  'map',
  'last',
  'flow',
  'ct count',
  'ct helper',
  'ct timeout',
]);

/** @param texts the same rules as nft prints them, for people */
export function readNftTable(
  family: RuleTable['family'],
  name: string,
  objects: readonly unknown[],
  texts: RuleTexts,
): RuleTable {
  const sets = new Map<string, readonly unknown[]>();
  for (const entry of objects) {
    const { set, map } = object(entry);
    const body = object(set ?? map);
    if (typeof body.name === 'string') sets.set(body.name, Array.isArray(body.elem) ? body.elem : []);
  }
  const chains = new Map<string, RuleChain & { rules: Rule[] }>();
  const table: RuleTable = { source: 'nftables', family, name, chains };
  for (const entry of objects) {
    const { chain, rule } = object(entry);
    if (chain !== undefined) {
      const base = readBase(object(chain));
      const chainName = String(object(chain).name);
      chains.set(chainName, {
        name: chainName,
        table,
        ...(base === undefined ? {} : { base }),
        rules: [],
      });
    } else if (rule !== undefined) {
      const body = object(rule);
      const owner = chains.get(String(body.chain));
      owner?.rules.push(
        readRule(body, table, owner.name, owner.rules.length + 1, (set) => sets.get(set), texts),
      );
    }
  }
  return table;
}

const HOOKS: readonly string[] = ['ingress', 'prerouting', 'input', 'forward', 'output', 'postrouting'];

function readBase({ type, hook, prio, policy }: Json): BaseChain | undefined {
  if (typeof hook !== 'string' || !HOOKS.includes(hook)) return undefined;
  return {
    type: type === 'nat' || type === 'route' ? type : 'filter',
    hook: hook as Hook,
    priority: Number(prio ?? 0),
    policy: policy === 'drop' ? 'drop' : 'accept',
  };
}

function readRule(
  body: Json,
  table: RuleTable,
  chain: string,
  number: number,
  sets: SetElements,
  texts: RuleTexts,
): Rule {
  const handle = Number(body.handle);
  const statements = Array.isArray(body.expr) ? body.expr.map(object) : [];
  const counter = statements.map(({ counter }) => counter).find((value) => value !== undefined);
  return {
    id: `nftables/${table.family}/${table.name}/${chain}/${handle}`,
    table,
    chain,
    number,
    handle,
    text: texts.get(`${chain} ${handle}`) ?? JSON.stringify(body.expr),
    ...(typeof body.comment === 'string' ? { comment: body.comment } : {}),
    ...(counter === undefined
      ? {}
      : { counters: { packets: Number(object(counter).packets), bytes: Number(object(counter).bytes) } }),
    steps: statements.map((statement) => readStatement(statement, sets)),
  };
}

function readStatement(statement: Json, sets: SetElements): Step {
  const [kind = ''] = Object.keys(statement);
  const value = statement[kind];
  const opaque: Step = { kind: 'opaque', text: `${kind} ${JSON.stringify(value)}` };
  switch (kind) {
    case 'match':
      return { kind: 'match', condition: readMatch(object(value), sets) };
    case 'vmap':
      return readVerdictMap(object(value), sets) ?? opaque;
    case 'dnat':
    case 'snat':
      return readTranslation(kind, object(value), sets) ?? opaque;
    case 'masquerade':
      return { kind: 'translate', what: 'source', how: kind, to: portTarget(object(value).port) };
    case 'redirect':
      return { kind: 'translate', what: 'destination', how: kind, to: portTarget(object(value).port) };
    case 'notrack':
      return { kind: 'notrack' };
    case 'limit':
    case 'quota':
      return { kind: 'match', condition: unanswerable(`${kind} ${JSON.stringify(value)}`) };
    case 'mangle':
      return readMangle(object(value)) ?? { kind: 'note', text: kind };
    default: {
      const verdict = readVerdict(statement);
      if (verdict !== undefined) return { kind: 'verdict', verdict };
      return NOTES.has(kind) ? { kind: 'note', text: kind } : opaque;
    }
  }
}

const unanswerable = (text: string): Condition => ({ kind: 'opaque', text, negated: false });

function readVerdict(statement: unknown): Verdict | undefined {
  const body = object(statement);
  for (const kind of ['accept', 'drop', 'return', 'continue'] as const) if (kind in body) return { kind };
  if ('queue' in body) return { kind: 'queue' };
  if ('reject' in body) return { kind: 'reject', with: String(object(body.reject).expr ?? '') };
  for (const kind of ['jump', 'goto'] as const) {
    if (kind in body) return { kind, chain: String(object(body[kind]).target) };
  }
  return undefined;
}

function readVerdictMap({ key, data }: Json, sets: SetElements): Step | undefined {
  const pairs = readPairs(key, data, sets);
  if (pairs === undefined) return undefined;
  const verdicts = pairs.values.map(readVerdict);
  if (verdicts.some((verdict) => verdict === undefined)) return undefined;
  const { fields, only, entries, set } = pairs;
  return {
    kind: 'verdict-map',
    fields,
    ...(only.family === undefined ? {} : { only: { family: only.family } }),
    entries,
    verdicts: verdicts.filter((verdict) => verdict !== undefined),
    ...(set === undefined ? {} : { set }),
  };
}

function readTranslation(how: 'dnat' | 'snat', value: Json, sets: SetElements): Step | undefined {
  const what = how === 'dnat' ? 'destination' : 'source';
  const only =
    value.family === 'ip'
      ? { family: 4 as const }
      : value.family === 'ip6'
        ? { family: 6 as const }
        : undefined;
  const { map } = object(value.addr);
  if (map === undefined) {
    const to = addressTarget(value.addr, false);
    const port = portTarget(value.port);
    return (
      to && { kind: 'translate', what, how, to: { ...to, ...port }, ...(only === undefined ? {} : { only }) }
    );
  }
  const pairs = readPairs(object(map).key, object(map).data, sets);
  if (pairs === undefined) return undefined;
  const targets = pairs.values.map((data) => addressTarget(data, value.type_flags === 'prefix'));
  if (targets.some((target) => target === undefined)) return undefined;
  const family = only?.family ?? pairs.only.family;
  const { fields, entries, set } = pairs;
  return {
    kind: 'translate-map',
    what,
    how,
    fields,
    entries,
    targets: targets.filter((target) => target !== undefined),
    ...(family === undefined ? {} : { only: { family } }),
    ...(set === undefined ? {} : { set }),
  };
}

/** A map's keys as spans and its values as they are: of a named one, or of one that stands in the rule. */
function readPairs(
  keyExpression: unknown,
  data: unknown,
  sets: SetElements,
): (Key & { entries: ReturnType<typeof readEntries> & {}; values: unknown[]; set?: string }) | undefined {
  const key = readKey(keyExpression);
  const set = typeof data === 'string' && data.startsWith('@') ? data.slice(1) : undefined;
  const elements = set === undefined ? object(data).set : sets(set);
  if (key === undefined || !Array.isArray(elements)) return undefined;
  const pairs = elements.map((element) => (Array.isArray(element) ? element : [element]));
  const entries = readEntries(
    pairs.map(([first]) => first),
    key.fields,
  );
  if (entries === undefined) return undefined;
  return { ...key, entries, values: pairs.map(([, value]) => value), ...(set === undefined ? {} : { set }) };
}

/** `10.0.0.2`, `{ concat: [10.0.0.2, 80] }`, a range, or a prefix that keeps the host part. */
function addressTarget(value: unknown, keepsHost: boolean): NatTarget | undefined {
  if (value === undefined) return {};
  if (typeof value === 'string') return { address: value };
  const { concat, range, prefix } = object(value);
  if (Array.isArray(concat)) {
    const [address, port] = concat;
    return typeof address === 'string' ? { address, ...portTarget(port) } : undefined;
  }
  if (Array.isArray(range)) return { address: String(range[0]), addressEnd: String(range[1]) };
  if (prefix === undefined || !keepsHost) return undefined;
  return { prefix: `${object(prefix).addr}/${object(prefix).len}` };
}

function portTarget(value: unknown): NatTarget {
  if (typeof value === 'number') return { port: value };
  const { range } = object(value);
  return Array.isArray(range) ? { port: Number(range[0]), portEnd: Number(range[1]) } : {};
}

/** Fields that decide about a packet's way; that others are written over (`ip dscp`, `ip ttl`) does not. */
const WAY = new Set(['saddr', 'daddr', 'sport', 'dport']);

function readMangle({ key, value }: Json): Step | undefined {
  const { meta, ct, payload } = object(key);
  if (payload !== undefined) {
    const field = String(object(payload).field);
    if (!WAY.has(field)) return undefined;
    const what = field.startsWith('d') ? 'destination' : 'source';
    if (field.endsWith('port') && typeof value === 'number')
      return { kind: 'rewrite', what, to: { port: value } };
    if (field.endsWith('addr') && typeof value === 'string')
      return { kind: 'rewrite', what, to: { address: value } };
    return { kind: 'opaque', text: `${field} set ${JSON.stringify(value)}` };
  }
  const isMark = object(meta ?? ct).key === 'mark';
  if (!isMark || typeof value !== 'number') return undefined;
  return { kind: 'mark', what: meta === undefined ? 'connection' : 'packet', value, mask: 0xffffffff };
}

/** The rules of `nft -a list table`, without comments, counters and handles, by `CHAIN HANDLE`. */
export function readRuleTexts(listing: string): RuleTexts {
  const texts = new Map<string, string>();
  let chain = '';
  for (const line of listing.split('\n')) {
    const opened = /^\tchain (\S+) \{/.exec(line)?.[1];
    if (opened !== undefined) chain = opened;
    const rule = /^\t\t(.*?) # handle (\d+)$/.exec(line);
    if (rule?.[1] === undefined) continue;
    texts.set(`${chain} ${rule[2]}`, rule[1].replace(/ comment "[^"]*"$/, ''));
  }
  return texts;
}
