/** A network namespace of a test's own, with the programs run inside it. Needs root. */

import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import type { IpFamily } from '../../../base/ip.ts';
import { type ObservedTables, parseSaved } from './observed.ts';
import { planTransaction } from './plan.ts';
import type { RuleSet } from './rules.ts';

export class TestNamespace implements Disposable {
  readonly name: string;

  constructor(label: string) {
    this.name = `bp-fw-${label}-${randomBytes(3).toString('hex')}`;
    execFileSync('ip', ['netns', 'add', this.name]);
    this.run('ip', 'link', 'set', 'lo', 'up');
  }

  /** Words to put before a command so that it runs in here. */
  get enter(): string[] {
    return ['nsenter', `--net=/run/netns/${this.name}`];
  }

  run(...command: string[]): string {
    return this.#exec(command, undefined);
  }

  /** Without the lines that differ from run to run: comments and packet counters. */
  save(family: IpFamily): string {
    return this.run(family === 4 ? 'iptables-save' : 'ip6tables-save')
      .split('\n')
      .filter((line) => !line.startsWith('#'))
      .join('\n')
      .replaceAll(/\[\d+:\d+\]$/gm, '[0:0]');
  }

  observe(family: IpFamily): ObservedTables {
    return parseSaved(this.save(family));
  }

  restore(family: IpFamily, text: string): void {
    if (text !== '') this.#exec([family === 4 ? 'iptables-restore' : 'ip6tables-restore', '--noflush'], text);
  }

  /** Brings the rules of one family from `previous` to `next`; the text that it took. */
  apply(previous: RuleSet, next: RuleSet, missing: 'respect' | 'restore' = 'respect'): string {
    const text = planTransaction(previous, next, { observed: this.observe(next.family), missing });
    this.restore(next.family, text);
    return text;
  }

  [Symbol.dispose](): void {
    execFileSync('ip', ['netns', 'del', this.name]);
  }

  #exec(command: string[], input: string | undefined): string {
    const [program = '', ...args] = [...this.enter, ...command];
    return execFileSync(program, args, {
      encoding: 'utf8',
      timeout: 20_000,
      stdio: ['pipe', 'pipe', 'pipe'],
      ...(input === undefined ? {} : { input }),
    });
  }
}
