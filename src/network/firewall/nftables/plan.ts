/**
 * From a ruleset that is there to one that shall be there: the text of one nft transaction, for both families. It names our
 * tables alone, so no other table can be touched; the kernel applies all of it or nothing, and established connections
 * do not notice.
 */

import { conflict } from '../../../base/errors.ts';
import { ruleOf } from './builder.ts';
import { formatHook, formatNftRule, setKind, setType } from './format.ts';
import { FORWARD, isOurChainName, isOurSetName, USER_CHAIN } from './layout.ts';
import type { ObservedNft, ObservedNftChain, ObservedNftSet, ObservedNftTable } from './observed.ts';
import {
  isEmptyTable,
  type NftChain,
  type NftElement,
  type NftParts,
  type NftRuleset,
  type NftSet,
  type NftTable,
  tableName,
  tableOf,
} from './ruleset.ts';

export interface NftPlanOptions {
  /**
   * The kernel's tables, just read (`observeNft()`). All that is missing is written again, and what others wrote into our
   * chains stays. Without it the plan believes `previous`, costs no reading, and the transaction fails, changing nothing,
   * when that is not so.
   */
  readonly observed?: ObservedNft;
}

/**
 * The text for nft; empty when there is nothing to do. It adds and deletes elements of sets and maps, and chains of networks that
 * come and go; everything is written anew only when the kind of a set or base chain is another one (an upgrade).
 *
 * When nothing is wanted any more, the table goes. It stays, with the user's chain and the jump into it, while that
 * chain holds rules, or when it was not read whether it does.
 *
 * @throws `conflict` when a table of our name is there and somebody else's (a Docker 29 with the same backend)
 */
export function planNft(previous: NftRuleset, next: NftRuleset, options: NftPlanOptions = {}): string {
  const { observed } = options;
  const families = [
    [previous.v4, next.v4, observed?.v4] as const,
    [previous.v6, next.v6, observed?.v6] as const,
  ];
  return families
    .flatMap(([before, after, found]) =>
      observed === undefined ? planBelieved(before, after) : planObserved(before, after, found),
    )
    .map((line) => `${line}\n`)
    .join('');
}

function planBelieved(previous: NftTable, next: NftTable): string[] {
  if (isEmptyTable(previous)) return isEmptyTable(next) ? [] : planTable(undefined, next);
  if (isEmptyTable(next)) return planTable(assumeApplied(previous), withUserChainOnly(previous));
  const [before, after] = withoutCommon(previous, next);
  const found = assumeApplied(before);
  return isOtherStructure(found, after) ? planTable(assumeApplied(previous), next) : planTable(found, after);
}

/** Without the parts of networks that are the same objects in both: nearly all, when they come from one compiler. */
function withoutCommon(before: NftTable, after: NftTable): [NftTable, NftTable] {
  if (before.parts === undefined || after.parts === undefined) return [before, after];
  const [old, now] = [before.parts.networks, after.parts.networks];
  const shorter = Math.min(old.length, now.length);
  let head = 0;
  while (head < shorter && old[head] === now[head]) head++;
  let tail = 0;
  while (tail < shorter - head && old[old.length - 1 - tail] === now[now.length - 1 - tail]) tail++;
  const without = ({ family, sets }: NftTable, { common, networks }: NftParts): NftTable =>
    tableOf(
      family,
      sets.map(({ name, keyType, dataType, interval }) => ({
        name,
        keyType,
        ...(dataType === undefined ? {} : { dataType }),
        interval,
      })),
      { common, networks: networks.slice(head, networks.length - tail) },
    );
  return [without(before, before.parts), without(after, after.parts)];
}

function planObserved(previous: NftTable, next: NftTable, found: ObservedNftTable | undefined): string[] {
  if (found === undefined) return next.chains.length === 0 ? [] : planTable(undefined, next);
  const chains = [...found.chains.values()];
  const isOurs = previous.chains.length > 0 || chains.some((chain) => chain.rules.some(({ ours }) => ours));
  if (!isOurs && chains.some((chain) => chain.rules.length > 0)) {
    if (next.chains.length === 0) return [];
    throw conflict(`write table ${tableName(next.family)}: another program has a table of that name`);
  }
  if (next.chains.length > 0) return planTable(found, next);
  if (!isOurs) return [];
  const others =
    [...found.chains].some(
      ([name, { rules }]) =>
        (!isOurChainName(name) && (name !== USER_CHAIN || rules.length > 0)) ||
        rules.some(({ ours }) => !ours),
    ) || [...found.sets.keys()].some((name) => !isOurSetName(name));
  if (!others) return [`delete table ${tableName(next.family)}`];
  return planTable(found, withUserChainOnly(next));
}

/** What stays of a table when we have nothing more to write but others have. */
function withUserChainOnly({ family }: NftTable): NftTable {
  const hook = { type: 'filter', hook: 'forward', priority: 0, policy: 'accept' } as const;
  const jump = ruleOf(`jump ${USER_CHAIN}`, { key: 'user-jump' });
  return {
    family,
    chains: [
      { name: USER_CHAIN, owner: 'user', rules: [] },
      { name: FORWARD, owner: 'us', hook, rules: [jump] },
    ],
    sets: [],
  };
}

function planTable(found: ObservedNftTable | undefined, next: NftTable): string[] {
  const table = tableName(next.family);
  if (found === undefined) {
    return [`create table ${table}`, ...planChanges(table, { chains: new Map(), sets: new Map() }, next)];
  }
  if (!isOtherStructure(found, next)) return planChanges(table, found, next);
  // All of ours goes and comes, in one transaction; what others have in the table stays.
  const nothing = { ...next, chains: next.chains.filter(({ owner }) => owner === 'user'), sets: [] };
  const rest: ObservedNftTable = {
    chains: new Map(
      [...found.chains].flatMap(([name, chain]): [string, ObservedNftChain][] => {
        if (!isOurChainName(name)) return [[name, chain]];
        return isJumpedToByOthers(found, name) ? [[name, { ...chain, rules: [] }]] : [];
      }),
    ),
    sets: new Map([...found.sets].filter(([name]) => !isOurSetName(name))),
  };
  return [...planChanges(table, found, nothing), ...planChanges(table, rest, next)];
}

/** True when something cannot be changed in place: the kernel fixes the types of a set and the hook of a chain. */
function isOtherStructure(found: ObservedNftTable, next: NftTable): boolean {
  return (
    next.sets.some((set) => {
      const old = found.sets.get(set.name);
      return old !== undefined && (setType(old) !== setType(set) || old.interval !== set.interval);
    }) ||
    next.chains.some(({ name, hook }) => {
      const old = found.chains.get(name);
      return old !== undefined && hookPlace(old.hook) !== hookPlace(hook);
    })
  );
}

function hookPlace(hook: NftChain['hook']): string {
  return hook === undefined ? '' : `${hook.type} ${hook.hook} ${hook.priority}`;
}

/** In the order that the kernel needs: what is referred to is made before, and removed after, what refers to it. */
function planChanges(table: string, found: ObservedNftTable, next: NftTable): string[] {
  const wanted = new Map(next.chains.map((chain) => [chain.name, chain]));
  const wantedSets = new Set(next.sets.map(({ name }) => name));
  const leaving = [...found.chains.keys()].filter((name) => isOurChainName(name) && !wanted.has(name));
  const leavingSets = [...found.sets].filter(([name]) => isOurSetName(name) && !wantedSets.has(name));
  const rules = next.chains.map((chain) => planRules(table, chain, found.chains.get(chain.name)));
  const elements = next.sets.map((set) => planElements(table, set, found.sets.get(set.name)));
  return [
    ...next.chains.flatMap((chain) => planChain(table, chain, found.chains.get(chain.name))),
    ...next.sets.filter(({ name }) => !found.sets.has(name)).map((set) => createSet(table, set)),
    ...elements.flatMap(({ remove }) => remove),
    ...rules.flatMap(({ remove }) => remove),
    ...leaving.map((name) => `flush chain ${table} ${name}`),
    ...leavingSets.map(([name, set]) => `delete ${setKind(set)} ${table} ${name}`),
    ...leaving
      .filter((name) => !isJumpedToByOthers(found, name))
      .map((name) => `delete chain ${table} ${name}`),
    ...elements.flatMap(({ write }) => write),
    ...rules.flatMap(({ write }) => write),
  ];
}

function planChain(table: string, chain: NftChain, found: ObservedNftChain | undefined): string[] {
  const { name, owner, hook } = chain;
  const body = hook === undefined ? '' : ` { ${formatHook(hook)} }`;
  // `create` fails when it is there after all; only the user's chain may be.
  if (found === undefined) return [`${owner === 'user' ? 'add' : 'create'} chain ${table} ${name}${body}`];
  return found.hook?.policy === hook?.policy ? [] : [`add chain ${table} ${name}${body}`];
}

function createSet(table: string, set: NftSet): string {
  const flags = set.interval ? ' flags interval;' : '';
  return `create ${setKind(set)} ${table} ${set.name} { type ${setType(set)};${flags} }`;
}

interface Changes {
  readonly remove: readonly string[];
  readonly write: readonly string[];
}

/** A chain's rules are left alone when ours are there in order. Otherwise all of ours are written anew. */
function planRules(table: string, chain: NftChain, found: ObservedNftChain | undefined): Changes {
  if (chain.owner === 'user') return { remove: [], write: [] };
  const rules = found?.rules ?? [];
  const ours = rules.filter(({ ours }) => ours);
  const comments = chain.rules.map(({ comment }) => comment);
  if (comments.length === ours.length && ours.every(({ comment }, index) => comment === comments[index])) {
    return { remove: [], write: [] };
  }
  const at = `${table} ${chain.name}`;
  if (ours.some(({ handle }) => handle === undefined)) {
    return {
      remove: [`flush chain ${at}`],
      write: chain.rules.map((rule) => `add rule ${at} ${formatNftRule(rule)}`),
    };
  }
  // What others put behind our first rule stays behind ours.
  const first = rules.findIndex(({ ours }) => ours);
  const behind = first < 0 ? undefined : rules.slice(first).find(({ ours }) => !ours);
  const place = behind === undefined ? `add rule ${at}` : `insert rule ${at} handle ${behind.handle}`;
  return {
    remove: ours.map(({ handle }) => `delete rule ${at} handle ${handle}`),
    write: chain.rules.map((rule) => `${place} ${formatNftRule(rule)}`),
  };
}

function planElements(table: string, set: NftSet, found: ObservedNftSet | undefined): Changes {
  const there = found?.elements ?? new Map<string, string | undefined>();
  const isThere = ({ key, data }: NftElement) => there.has(key) && there.get(key) === data;
  const staying = new Set(set.elements.filter(isThere).map(({ key }) => key));
  const removed = [...there.keys()].filter((key) => !staying.has(key));
  const added = set.elements
    .filter(({ key }) => !staying.has(key))
    .map(({ key, data }) => (data === undefined ? key : `${key} : ${data}`));
  const command = (verb: string, elements: readonly string[]) =>
    elements.length === 0 ? [] : [`${verb} element ${table} ${set.name} { ${elements.join(', ')} }`];
  return { remove: command('delete', removed), write: command('add', added) };
}

function isJumpedToByOthers(found: ObservedNftTable, name: string): boolean {
  return [...found.chains.values()].some(({ rules }) =>
    rules.some(({ ours, targets }) => !ours && targets.includes(name)),
  );
}

/** The kernel's table as it would be if `previous` were all there is. */
function assumeApplied(previous: NftTable): ObservedNftTable {
  return {
    chains: new Map(
      previous.chains.map(({ name, hook, rules }) => [
        name,
        {
          ...(hook === undefined ? {} : { hook }),
          rules: rules.map(({ comment }) => ({ comment, ours: true, targets: [] })),
        },
      ]),
    ),
    sets: new Map(
      previous.sets.map(({ name, keyType, dataType, interval, elements }) => [
        name,
        {
          keyType,
          interval,
          ...(dataType === undefined ? {} : { dataType }),
          elements: new Map(elements.map(({ key, data }) => [key, data])),
        },
      ]),
    ),
  };
}
