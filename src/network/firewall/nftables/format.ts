/** The ruleset as `nft list table` lays it out, for people and golden tests. */

import type { NftChain, NftHook, NftRule, NftRuleset, NftSet, NftTable } from './ruleset.ts';
import { tableName } from './ruleset.ts';

/** Both tables; nothing for an empty one. */
export function formatNft(ruleset: NftRuleset): string {
  return formatNftTable(ruleset.v4) + formatNftTable(ruleset.v6);
}

/** One table: sets, then chains, elements sorted, one to a line. */
export function formatNftTable(table: NftTable): string {
  if (table.chains.length === 0) return '';
  const parts = [...table.sets.map(formatSet), ...table.chains.map(formatChain)];
  return `table ${tableName(table.family)} {\n${parts.join('\n')}}\n`;
}

/** A rule with its comment, as commands and listings have it. */
export function formatNftRule(rule: NftRule): string {
  return `${rule.text} comment "${rule.comment}"`;
}

/** `type filter hook forward priority 0; policy drop;` */
export function formatHook({ type, hook, priority, policy }: NftHook): string {
  return `type ${type} hook ${hook} priority ${priority}; policy ${policy};`;
}

/** `set` or `map`: which word commands use. */
export function setKind(set: { readonly dataType?: string }): 'set' | 'map' {
  return set.dataType === undefined ? 'set' : 'map';
}

export function setType(set: { readonly keyType: string; readonly dataType?: string }): string {
  return set.dataType === undefined ? set.keyType : `${set.keyType} : ${set.dataType}`;
}

function formatSet(set: NftSet): string {
  const elements = set.elements
    .map(({ key, data }) => (data === undefined ? key : `${key} : ${data}`))
    .toSorted();
  return [
    `\t${setKind(set)} ${set.name} {`,
    `\t\ttype ${setType(set)}`,
    ...(set.interval ? ['\t\tflags interval'] : []),
    ...(elements.length === 0 ? [] : [`\t\telements = { ${elements.join(',\n\t\t\t     ')} }`]),
    '\t}\n',
  ].join('\n');
}

function formatChain(chain: NftChain): string {
  return [
    `\tchain ${chain.name} {`,
    ...(chain.hook === undefined ? [] : [`\t\t${formatHook(chain.hook)}`]),
    ...chain.rules.map((rule) => `\t\t${formatNftRule(rule)}`),
    '\t}\n',
  ].join('\n');
}
