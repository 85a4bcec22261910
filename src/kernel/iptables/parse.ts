/**
 * Reading what iptables-save(8) prints: tables, their chains with policies, and the rules of each chain in order. Pure.
 * Rules are kept as iptables spells them, so that comparing two of them is comparing what the kernel read back.
 */
import { internal } from '../../base/errors.ts';

export interface Counters {
  readonly packets: number;
  readonly bytes: number;
}

export interface IptablesRule {
  /** The whole rule as it stands in the file, without counters: `-A DOCKER -d 172.17.0.2/32 -j ACCEPT`. */
  readonly text: string;
  /** What follows the chain's name: `-d 172.17.0.2/32 -j ACCEPT`. */
  readonly spec: string;
  /** Only when they were saved (`-c`). */
  readonly counters: Counters | undefined;
}

export interface IptablesChain {
  readonly name: string;
  /** `ACCEPT` or `DROP` of a built-in chain; `undefined` for a chain that somebody made. */
  readonly policy: string | undefined;
  readonly counters: Counters;
  readonly rules: readonly IptablesRule[];
}

export interface IptablesTable {
  readonly name: string;
  /** In the order of the file, which is the order they were made in. */
  readonly chains: ReadonlyMap<string, IptablesChain>;
}

export type IptablesTables = ReadonlyMap<string, IptablesTable>;

/** Parses the text of iptables-save or ip6tables-save; throws at a line it cannot place, which it quotes. */
export function parseIptablesSave(text: string): IptablesTables {
  const tables = new Map<string, IptablesTable>();
  let chains: Map<string, IptablesChain & { rules: IptablesRule[] }> | undefined;
  for (const [index, line] of text.split('\n').entries()) {
    if (line === '' || line.startsWith('#')) continue;
    const fail = (why: string) =>
      internal(`parse iptables-save output: line ${index + 1} ${why}: ${JSON.stringify(line)}`);
    if (line.startsWith('*')) {
      chains = new Map();
      tables.set(line.slice(1), { name: line.slice(1), chains });
    } else if (chains === undefined) {
      throw fail('stands outside a table');
    } else if (line === 'COMMIT') {
      chains = undefined;
    } else if (line.startsWith(':')) {
      const match = /^:(\S+) (\S+)(?: \[(\d+):(\d+)\])?$/.exec(line);
      if (!match) throw fail('is not a chain');
      const [, name = '', policy, packets = '0', bytes = '0'] = match;
      chains.set(name, {
        name,
        policy: policy === '-' ? undefined : policy,
        counters: { packets: Number(packets), bytes: Number(bytes) },
        rules: [],
      });
    } else {
      const match = /^(?:\[(\d+):(\d+)\] )?(-A (\S+)(?: (.*))?)$/.exec(line);
      if (!match) throw fail('is neither a chain nor a rule');
      const [, packets, bytes, rule = '', chain = '', spec = ''] = match;
      const rules = chains.get(chain)?.rules;
      if (!rules) throw fail('names a chain that is not declared');
      rules.push({
        text: rule,
        spec,
        counters: packets === undefined ? undefined : { packets: Number(packets), bytes: Number(bytes) },
      });
    }
  }
  return tables;
}

/**
 * The words of a rule, quotes undone: `-m comment --comment "a b"` is `['-m', 'comment', '--comment', 'a b']`. iptables
 * quotes with `"` and escapes `"` and `\` within (`xtables_save_string()`).
 */
export function ruleWords(spec: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quoted = false;
  for (let at = 0; at < spec.length; at++) {
    const char = spec.charAt(at);
    if (char === '"') {
      quoted = !quoted;
      word ??= '';
    } else if (char === '\\' && at + 1 < spec.length) {
      at++;
      word = (word ?? '') + spec.charAt(at);
    } else if (char === ' ' && !quoted) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else {
      word = (word ?? '') + char;
    }
  }
  if (word !== undefined) words.push(word);
  return words;
}

/** A word as iptables-restore reads it: quoted when it has to be. Refuses line ends, which would start another rule. */
export function quoteRuleWord(word: string): string {
  if (/[\n\r\0]/.test(word)) throw internal(`${JSON.stringify(word)} cannot stand in an iptables rule`);
  return /^[\w.,:/!+=@%[\]()-]+$/.test(word) ? word : `"${word.replace(/["\\]/g, '\\$&')}"`;
}
