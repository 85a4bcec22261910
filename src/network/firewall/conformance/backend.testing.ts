/** The firewall backends as the conformance suite sees them: an intent goes in, and packets tell the rest. */

import { execFileSync } from 'node:child_process';
import { type NetnsHandle, withNetns } from '../../../kernel/netns/index.ts';
import { NftContext } from '../../../kernel/nft/index.ts';
import type { FirewallIntent } from '../intent.ts';
import { compileIptables, type RuleSets } from '../iptables/compile.ts';
import { parseSaved } from '../iptables/observed.ts';
import { planTransaction } from '../iptables/plan.ts';
import { emptyRuleSet, type RuleSet } from '../iptables/rules.ts';
import { compileNftables } from '../nftables/compile.ts';
import { observeNft } from '../nftables/observed.ts';
import { planNft } from '../nftables/plan.ts';
import { emptyNftRuleset, type NftRuleset, type NftTable, tableName } from '../nftables/ruleset.ts';
import type { SentenceKey } from '../origin.ts';
import { type ExplainedGroup, explainListing, explainSaved } from './explained.ts';
import type { Family } from './layout.ts';

/** A rule that the user puts into DOCKER-USER. Addresses are IPv4. */
export interface UserRule {
  readonly from?: string;
  readonly to?: string;
  /** The TCP port that the packet was sent to, before it was translated. */
  readonly originalPort?: number;
  readonly verdict: 'accept' | 'drop';
}

export interface FirewallBackend extends Disposable {
  readonly name: string;
  /**
   * Makes the kernel do what the intent says.
   *
   * @param options.without leave out the rules of this kind, to show what they are good for
   */
  apply(intent: FirewallIntent, options?: { without?: SentenceKey }): void;
  /** Puts a rule first in DOCKER-USER until it is disposed of. */
  userRule(rule: UserRule): Disposable;
  /** What a user does so that packets between these prefixes keep their source, as for a VPN. IPv4. */
  keepSource(from: string, to: string): Disposable;
  /** What `list` commands show, for messages. */
  show(): string;
  /** The live rules of one family with the origin of each. Throws for rules that the applied intent does not explain. */
  explain(family: Family): ExplainedGroup[];
  /** Takes all of its rules away, the user's chain and policies aside. */
  clear(): void;
}

export const BACKENDS: Readonly<Record<string, (host: NetnsHandle) => FirewallBackend>> = {
  iptables: (host) => new IptablesBackend(host),
  nftables: (host) => new NftablesBackend(host),
};

export class IptablesBackend implements FirewallBackend {
  readonly name = 'iptables';
  readonly #host: NetnsHandle;
  #current: RuleSets = { v4: emptyRuleSet(4), v6: emptyRuleSet(6) };

  constructor(host: NetnsHandle) {
    this.#host = host;
  }

  apply(intent: FirewallIntent, options: { without?: SentenceKey } = {}): void {
    const compiled = compileIptables(intent);
    const reduced = (set: RuleSet) => ({
      ...set,
      rules: set.rules.filter(({ origin }) => origin.key !== options.without),
    });
    this.#replace({ v4: reduced(compiled.v4), v6: reduced(compiled.v6) });
  }

  #replace(next: RuleSets): void {
    this.#write('iptables', this.#current.v4, next.v4);
    this.#write('ip6tables', this.#current.v6, next.v6);
    this.#current = next;
  }

  userRule({ from, to, originalPort, verdict }: UserRule): Disposable {
    return this.#temporary('filter', [
      'DOCKER-USER',
      ...(from === undefined ? [] : ['-s', from]),
      ...(to === undefined ? [] : ['-d', to]),
      ...(originalPort === undefined
        ? []
        : ['-p', 'tcp', '-m', 'conntrack', '--ctorigdstport', `${originalPort}`]),
      '-j',
      verdict.toUpperCase(),
    ]);
  }

  keepSource(from: string, to: string): Disposable {
    return this.#temporary('nat', ['POSTROUTING', '-s', from, '-d', to, '-j', 'ACCEPT']);
  }

  show(): string {
    return this.#run(['iptables-save']) + this.#run(['ip6tables-save']);
  }

  explain(family: Family): ExplainedGroup[] {
    return explainSaved(
      this.#run([family === 'v4' ? 'iptables-save' : 'ip6tables-save']),
      this.#current[family],
    );
  }

  clear(): void {
    this.#replace({ v4: emptyRuleSet(4), v6: emptyRuleSet(6) });
    for (const program of ['iptables', 'ip6tables']) this.#run([program, '-P', 'FORWARD', 'ACCEPT']);
  }

  [Symbol.dispose](): void {}

  #temporary(table: string, rule: readonly string[]): Disposable {
    this.#run(['iptables', '-t', table, '-I', ...rule]);
    return { [Symbol.dispose]: () => this.#run(['iptables', '-t', table, '-D', ...rule]) };
  }

  #write(program: 'iptables' | 'ip6tables', previous: RuleSet, next: RuleSet): void {
    const observed = parseSaved(this.#run([`${program}-save`]));
    const text = planTransaction(previous, next, { observed, missing: 'restore' });
    if (text !== '') this.#run([`${program}-restore`, '--noflush'], text);
  }

  #run([program = '', ...args]: readonly string[], input?: string): string {
    return withNetns(this.#host, () =>
      execFileSync(program, args, {
        encoding: 'utf8',
        timeout: 20_000,
        ...(input === undefined ? {} : { input }),
      }),
    );
  }
}

export class NftablesBackend implements FirewallBackend {
  readonly name = 'nftables';
  readonly #nft: NftContext;
  #current = emptyNftRuleset();

  constructor(host: NetnsHandle) {
    this.#nft = NftContext.open(host);
  }

  apply(intent: FirewallIntent, options: { without?: SentenceKey } = {}): void {
    const compiled = compileNftables(intent);
    const reduced = (table: NftTable): NftTable => ({
      ...table,
      chains: table.chains.map((chain) => ({
        ...chain,
        rules: chain.rules.filter(({ origin }) => origin.key !== options.without),
      })),
    });
    this.#replace({ v4: reduced(compiled.v4), v6: reduced(compiled.v6) });
  }

  #replace(next: NftRuleset): void {
    const observed = observeNft((command) => this.#nft.list(command, { output: ['stateless', 'handles'] }));
    const text = planNft(this.#current, next, { observed });
    if (text !== '') this.#nft.run(text);
    this.#current = next;
  }

  userRule({ from, to, originalPort, verdict }: UserRule): Disposable {
    const text = [
      ...(from === undefined ? [] : [`ip saddr ${from}`]),
      ...(to === undefined ? [] : [`ip daddr ${to}`]),
      ...(originalPort === undefined ? [] : [`meta l4proto tcp ct original proto-dst ${originalPort}`]),
      verdict,
    ].join(' ');
    const chain = `${tableName(4)} DOCKER-USER`;
    const printed = this.#nft.run(`insert rule ${chain} ${text}`, { output: ['echo', 'handles'] });
    const handle = /# handle (\d+)/.exec(printed)?.[1];
    return { [Symbol.dispose]: () => void this.#nft.run(`delete rule ${chain} handle ${handle}`) };
  }

  /**
   * An accept in a table of one's own does not keep ours from masquerading: the kernel asks every nat chain of the hook until
   * one has set the source. Setting it to itself does.
   */
  keepSource(from: string, to: string): Disposable {
    this.#nft.run(`table ip user-nat {
      chain postrouting {
        type nat hook postrouting priority srcnat - 1; policy accept;
        ip daddr ${to} snat ip prefix to ip saddr map { ${from} : ${from} }
      }
    }`);
    return { [Symbol.dispose]: () => void this.#nft.run('delete table ip user-nat') };
  }

  show(): string {
    return this.#nft.run('list ruleset');
  }

  explain(family: Family): ExplainedGroup[] {
    const table = this.#current[family];
    const listing = this.#nft.run(`list table ${tableName(table.family)}`, { output: ['stateless'] });
    return explainListing(listing, table);
  }

  clear(): void {
    this.#replace(emptyNftRuleset());
  }

  [Symbol.dispose](): void {
    this.#nft.close();
  }
}
