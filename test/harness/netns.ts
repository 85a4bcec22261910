/** A network namespace with a name, and what a person at its keyboard would do and read there. */

import { type ExecOptions, ok, type Result, run } from './exec.ts';

export interface Link {
  ifname: string;
  ifindex: number;
  link_index?: number;
  address: string;
  mtu: number;
  master?: string;
  operstate: string;
  flags: string[];
  linkinfo?: { info_kind?: string };
}

/** Seconds that a request may take when nobody says otherwise; what is dropped on its way takes all of them. */
const PATIENCE = 3;

export class Netns {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }

  /** Words before a command that runs in here. `ip netns exec` would hide the cgroup mounts. */
  get enter(): string[] {
    return ['nsenter', `--net=/run/netns/${this.name}`, '--'];
  }

  run(command: readonly string[], options?: ExecOptions): Promise<Result> {
    return run([...this.enter, ...command], options);
  }

  /** Standard output of a command that has to succeed. */
  ok(...command: string[]): Promise<string> {
    return ok([...this.enter, ...command]);
  }

  sh(script: string): Promise<string> {
    return this.ok('sh', '-ec', script);
  }

  /** The body that a GET of `url` answers. */
  get(url: string, seconds = PATIENCE): Promise<string> {
    return this.ok('curl', '-sS', '-g', '--noproxy', '*', '--max-time', String(seconds), url);
  }

  /** The same, tried until it answers: for servers that have only just been started. */
  async getSoon(url: string, milliseconds = 10_000): Promise<string> {
    return soon(() => this.get(url), milliseconds);
  }

  /** Whether a connection to `url` is refused, dropped or ended without an answer. */
  async unanswered(url: string, seconds = 1): Promise<boolean> {
    const { code } = await this.run(
      ['curl', '-sS', '-g', '--noproxy', '*', '--max-time', String(seconds), '-o', '/dev/null', url],
      {},
    );
    return code !== 0;
  }

  async links(): Promise<Link[]> {
    return JSON.parse(await this.ok('ip', '-j', '-d', 'link', 'show')) as Link[];
  }

  async link(name: string): Promise<Link | undefined> {
    return (await this.links()).find((link) => link.ifname === name);
  }

  /** Names of the host's ends of veth pairs, `eth0` towards the world not among them. */
  async veths(): Promise<string[]> {
    return (await this.links())
      .filter((link) => link.linkinfo?.info_kind === 'veth' && !link.ifname.startsWith('eth'))
      .map((link) => link.ifname);
  }

  /** `172.17.0.1/16` and the like of a link. */
  async addresses(link: string, family: 4 | 6 = 4): Promise<string[]> {
    type Row = { addr_info?: Array<{ local: string; prefixlen: number }> };
    const rows = JSON.parse(await this.ok('ip', '-j', `-${family}`, 'addr', 'show', 'dev', link)) as Row[];
    return rows.flatMap((row) => row.addr_info ?? []).map(({ local, prefixlen }) => `${local}/${prefixlen}`);
  }

  /** Lines of `iptables -S [chain]`. */
  async rules(table: 'filter' | 'nat', chain?: string): Promise<string[]> {
    const lines = await this.ok('iptables', '-w', '-t', table, '-S', ...(chain === undefined ? [] : [chain]));
    return lines.split('\n').filter((line) => line !== '');
  }

  /** Interfaces that `brctl show` lists for a bridge. */
  async bridgePorts(bridge: string): Promise<string[]> {
    const lines = (await this.ok('brctl', 'show', bridge)).split('\n').slice(1);
    // A bridge's first port stands on its own line, the others on lines of their own.
    return lines
      .map((line) => line.split('\t').at(-1) ?? '')
      .filter((name) => !['', 'no', 'yes'].includes(name));
  }

  sysctl(key: string): Promise<string> {
    return this.ok('cat', `/proc/sys/${key}`);
  }

  async setSysctl(key: string, value: string): Promise<void> {
    await this.sh(`echo ${value} >/proc/sys/${key}`);
  }
}

/** Tries until it succeeds, or the time is over: then the last failure is thrown. */
export async function soon<T>(attempt: () => Promise<T> | T, milliseconds = 10_000): Promise<T> {
  for (const until = performance.now() + milliseconds; ; ) {
    try {
      return await attempt();
    } catch (error) {
      if (performance.now() > until) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}
