/** As much of `iptables-restore --noflush` as a plan uses, strict about what the real one refuses. For property tests. */

import type { ObservedTables } from './observed.ts';

const BUILT_IN: Readonly<Record<string, readonly string[]>> = {
  raw: ['PREROUTING', 'OUTPUT'],
  filter: ['INPUT', 'FORWARD', 'OUTPUT'],
  nat: ['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING'],
};

export class SimulatedTables {
  readonly tables: Map<string, Map<string, { policy?: string; rules: string[] }>> = new Map(
    Object.entries(BUILT_IN).map(([table, names]) => [
      table,
      new Map(names.map((name) => [name, { policy: 'ACCEPT', rules: [] }])),
    ]),
  );

  get observed(): ObservedTables {
    return structuredClone(this.tables);
  }

  clone(): SimulatedTables {
    const copy = new SimulatedTables();
    for (const [table, chains] of structuredClone(this.tables)) copy.tables.set(table, chains);
    return copy;
  }

  rules(table: string, chain: string): string[] {
    const found = this.tables.get(table)?.get(chain);
    if (found === undefined) throw new Error(`no chain ${chain} in table ${table}`);
    return found.rules;
  }

  /** Runs a transaction; throws at the first line that the kernel would refuse. */
  restore(text: string): void {
    let table = '';
    for (const line of text.split('\n')) {
      if (line === '' || line === 'COMMIT') continue;
      if (line.startsWith('*')) table = line.slice(1);
      else this.#run(table, line);
    }
  }

  #run(table: string, line: string): void {
    const refuse = (why: string) => new Error(`${table}: ${line}: ${why}`);
    const [command = '', chain = ''] = line.replace(/^:/, ': ').split(' ');
    const rest = line.replace(/^:/, ': ').slice(command.length + chain.length + 2);
    const chains = this.tables.get(table);
    if (chains === undefined) throw refuse('no such table');
    if (command === '-N') {
      if (chains.has(chain)) throw refuse('chain exists');
      chains.set(chain, { rules: [] });
      return;
    }
    const target = chains.get(chain);
    if (target === undefined) throw refuse('no such chain');
    const { rules } = target;
    const jump = /-j (\S+)/.exec(rest)?.[1] ?? '';
    if ((command === '-A' || command === '-I') && jump.startsWith('DOCKER') && !chains.has(jump)) {
      throw refuse('jump to a chain that is not there');
    }
    switch (command) {
      case ':':
        if (!BUILT_IN[table]?.includes(chain)) throw refuse('would flush a chain');
        target.policy = rest.split(' ')[0] ?? '';
        break;
      case '-A':
        rules.push(rest);
        break;
      case '-I': {
        const [, number, rule = ''] = /^(?:(\d+) )?(.*)$/.exec(rest) ?? [];
        const index = Number(number ?? 1) - 1;
        if (!(index >= 0 && index <= rules.length)) throw refuse('index too big');
        rules.splice(index, 0, rule);
        break;
      }
      case '-D': {
        const index = rules.indexOf(rest);
        if (index < 0) throw refuse('no such rule');
        rules.splice(index, 1);
        break;
      }
      case '-X':
        if (rules.length > 0) throw refuse('chain is not empty');
        for (const other of chains.values()) {
          if (other.rules.some((rule) => rule.endsWith(`-j ${chain}`))) throw refuse('chain is in use');
        }
        chains.delete(chain);
        break;
      default:
        throw refuse('unknown command');
    }
  }
}
