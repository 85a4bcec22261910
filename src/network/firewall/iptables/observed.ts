/** What the kernel's tables hold, as read by `iptables-save`: the least that a plan needs to know. */

import { invalid } from '../../../base/errors.ts';

/** A chain: its policy (only built-in chains have one) and its rules in order, each without `-A CHAIN`. */
export interface ObservedChain {
  readonly policy?: string | undefined;
  readonly rules: readonly string[];
}

/** The chains of one table. */
export type ObservedTable = ReadonlyMap<string, ObservedChain>;

/** By table, then by chain. A table that has not been used yet may be absent. */
export type ObservedTables = ReadonlyMap<string, ObservedTable>;

/**
 * Reads the output of `iptables-save`, with or without counters (`-c`).
 * Throws `invalid` for a line that is not its format.
 */
export function parseSaved(text: string): ObservedTables {
  const tables = new Map<string, Map<string, { policy?: string; rules: string[] }>>();
  let chains: Map<string, { policy?: string; rules: string[] }> | undefined;
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    if (line.startsWith('*')) {
      chains = new Map();
      tables.set(line.slice(1), chains);
    } else if (line === 'COMMIT') {
      chains = undefined;
    } else {
      readLine(line, chains);
    }
  }
  return tables;
}

function readLine(line: string, chains: Map<string, { policy?: string; rules: string[] }> | undefined): void {
  const [, chain = '', policy = '-'] = /^:(\S+) (\S+)/.exec(line) ?? [];
  if (chain !== '') {
    chains?.set(chain, policy === '-' ? { rules: [] } : { policy, rules: [] });
    return;
  }
  const [, name = '', args = ''] = /^(?:\[\d+:\d+\] )?-A (\S+)(?: (.*))?$/.exec(line) ?? [];
  const target = chains?.get(name);
  if (target === undefined) throw invalid(`read iptables-save: cannot make sense of ${JSON.stringify(line)}`);
  target.rules.push(args);
}
