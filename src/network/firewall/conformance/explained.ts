/** Live rules, as the tools of each backend print them, line by line with the origin of each. Pure. */

import { invalid } from '../../../base/errors.ts';
import { parseSaved } from '../iptables/observed.ts';
import type { RuleSet } from '../iptables/rules.ts';
import type { NftTable } from '../nftables/ruleset.ts';
import type { Origin } from '../origin.ts';

/** A chain, set or map that holds something. */
export interface ExplainedGroup {
  /** `filter FORWARD, policy DROP`; `map nat-ports`. */
  readonly title: string;
  readonly lines: readonly ExplainedLine[];
}

export interface ExplainedLine {
  /** As the tool prints it; a rule of nftables without its comment. */
  readonly text: string;
  readonly origin: Origin;
}

/** Reads `iptables-save`. Throws `invalid` for a rule that `set` does not explain. */
export function explainSaved(saved: string, set: RuleSet): ExplainedGroup[] {
  const known = [...set.rules, ...set.chains.flatMap(({ seed = [] }) => seed)];
  return [...parseSaved(saved)].flatMap(([table, chains]) =>
    [...chains].map(([chain, { policy, rules }]) => ({
      title: `${table} ${chain}${policy === 'DROP' ? ', policy DROP' : ''}`,
      lines: rules.map((text) => {
        const rule = known.find((one) => one.table === table && one.chain === chain && one.args === text);
        return { text, origin: originOf(rule, `${table} ${chain}: ${text}`) };
      }),
    })),
  );
}

/** Reads `nft list table`. Throws `invalid` for a rule or element that `table` does not explain. */
export function explainListing(listing: string, table: NftTable): ExplainedGroup[] {
  const blocks = listing.matchAll(/^\t(chain|set|map) (\S+) \{\n([\s\S]*?)^\t\}/gm);
  return [...blocks].map(([, kind, name = '', body = '']) =>
    kind === 'chain' ? explainChain(name, body, table) : explainSet(`${kind} ${name}`, name, body, table),
  );
}

function explainChain(name: string, body: string, table: NftTable): ExplainedGroup {
  const known = table.chains.find((chain) => chain.name === name)?.rules ?? [];
  const lines = body.split('\n').map((line) => line.trim());
  const hook = lines.find((line) => line.startsWith('type '));
  return {
    title: `chain ${name}${hook === undefined ? '' : `, ${hook.replace(/^type \w+ /, '').replaceAll(';', '')}`}`,
    lines: lines
      .filter((line) => line !== '' && line !== hook)
      .map((line) => {
        const [, text = line, comment] = /^(.*) comment "([^"]*)"$/.exec(line) ?? [];
        const rule = known.find((one) => one.comment === comment);
        return { text, origin: originOf(rule, `${name}: ${line}`) };
      }),
  };
}

function explainSet(title: string, name: string, body: string, table: NftTable): ExplainedGroup {
  const known = table.sets.find((set) => set.name === name)?.elements ?? [];
  const [, elements = ''] = /elements = \{([^}]*)\}/.exec(body) ?? [];
  const texts = elements
    .split(',')
    .map((text) => text.trim())
    .filter((text) => text !== '');
  return {
    title,
    // The kernel keeps hash tables in an order of its own.
    lines: texts.toSorted().map((text) => {
      const element = known.find(({ key }) => key === text.split(' : ')[0]);
      return { text, origin: originOf(element, `${name}: ${text}`) };
    }),
  };
}

function originOf(found: { readonly origin: Origin } | undefined, what: string): Origin {
  if (found === undefined)
    throw invalid(`explain firewall: nothing says why there is ${JSON.stringify(what)}`);
  return found.origin;
}
