/**
 * Does the kernel hold what the containers account for, and nothing else? Everything that a daemon says of its containers is compared
 * with what is there, in both directions.
 */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestDaemon } from './daemon.ts';
import { ok } from './exec.ts';
import { cgroups, mounts } from './teardown.ts';

interface Endpoint {
  IPAddress: string;
  NetworkID: string;
}

interface Inspected {
  Id: string;
  Name: string;
  State: { Status: string; Running: boolean; Paused: boolean; Pid: number };
  HostConfig: { NetworkMode: string; IpcMode: string };
  NetworkSettings: {
    SandboxKey: string;
    Ports: Record<string, Array<{ HostIp: string; HostPort: string }> | null>;
    Networks: Record<string, Endpoint>;
  };
}

/** containerd's namespace of a daemon that was not told another. */
const NAMESPACE = 'moby';

/** Where containerd has the files of a task. */
export function bundleOf(daemon: TestDaemon, id: string): string {
  return join(daemon.execRoot, 'containerd/io.containerd.runtime.v2.task', NAMESPACE, id);
}

/** What does not agree, in sentences. */
export async function disagreements(daemon: TestDaemon): Promise<string[]> {
  const listed = (await daemon.api('GET', '/containers/json?all=1')).json<
    Array<{ Id: string; State: string }>
  >();
  const all = await Promise.all(
    listed.map(async ({ Id }) => (await daemon.api('GET', `/containers/${Id}/json`)).json<Inspected>()),
  );
  const running = all.filter(({ State }) => State.Running);
  const owners = running.filter(({ HostConfig: { NetworkMode: mode } }) => !mode.startsWith('container:'));
  const found: string[] = [];
  const compare = (what: string, there: Iterable<string>, wanted: Iterable<string>) => {
    const [has, want] = [[...there].sort(), [...wanted].sort()];
    const stray = without(has, want);
    const missing = without(want, has);
    if (stray.length > 0) found.push(`${what}: nobody accounts for ${stray.join(', ')}`);
    if (missing.length > 0) found.push(`${what}: missing ${missing.join(', ')}`);
  };
  const ids = (those: Inspected[]) => those.map(({ Id }) => Id);

  compare(
    'ps',
    listed.map(({ Id, State }) => `${Id} ${State}`),
    all.map(({ Id, State }) => `${Id} ${State.Status}`),
  );
  for (const { Name, State } of running) {
    if (!existsSync(`/proc/${State.Pid}`)) found.push(`${Name} runs as ${State.Pid}, which is not there`);
    else if (isFrozen(State.Pid) !== State.Paused) found.push(`${Name}: paused is ${State.Paused}`);
  }
  processes(daemon, compare, running);
  const { execRoot, dataRoot } = daemon;
  const folder = (...path: string[]) => names(join(...path));
  compare('runc state', folder(execRoot, 'runc', NAMESPACE), ids(running));
  compare('bundles', names(bundleOf(daemon, '')), ids(running));
  compare('streams', folder(execRoot, 'io'), ids(running));
  compare('folders', folder(dataRoot, 'containers'), ids(all));
  const socket = join(execRoot, 'containerd/containerd.sock');
  const ctr = async (...words: string[]) =>
    (await ok(['ctr', '-a', socket, '-n', NAMESPACE, ...words])).split('\n').filter((line) => line !== '');
  compare(
    'snapshots',
    (await ctr('snapshots', 'ls'))
      .filter((row) => /Active/.test(row))
      .map((row) => row.split(/\s+/)[0] ?? ''),
    ids(all),
  );
  compare('runtime containers', await ctr('containers', 'ls', '-q'), ids(running));

  // Shared namespaces of owners that do not run any more stay until the last one has left them.
  const keys = new Set(
    running.map(({ NetworkSettings }) => NetworkSettings.SandboxKey.split('/').at(-1) ?? ''),
  );
  keys.delete('default');
  keys.delete(''); // of those that have joined another's
  const kept = running.filter(({ HostConfig: { NetworkMode: mode } }) => mode.startsWith('container:'));
  if (kept.every(({ HostConfig }) => ids(owners).includes(HostConfig.NetworkMode.slice(10)))) {
    compare(
      'namespaces',
      folder(execRoot, 'netns').filter((name) => name !== 'default'),
      keys,
    );
    await networks(daemon, compare, owners);
  }
  compare(
    'cgroups',
    new Set(
      cgroups(daemon.host.cgroup)
        .map((path) => path.split('/').at(-1) ?? '')
        .filter((name) => name !== daemon.host.cgroup),
    ),
    ids(running),
  );
  compare(
    'mounts',
    mounts(daemon.root).filter((path) => !path.includes('/netns')),
    running.flatMap(({ Id, HostConfig }) => [
      join(bundleOf(daemon, Id), 'rootfs'),
      ...(HostConfig.IpcMode === 'shareable' ? [join(execRoot, 'shm', Id)] : []),
    ]),
  );
  return found;
}

type Compare = (what: string, there: Iterable<string>, wanted: Iterable<string>) => void;

/** Shims and what is in the cgroups. */
function processes(daemon: TestDaemon, compare: Compare, running: Inspected[]): void {
  const shims = readdirSync('/proc').flatMap((pid) => {
    if (!/^\d+$/.test(pid)) return [];
    const words = read(`/proc/${pid}/cmdline`).split('\0');
    if (!words[0]?.endsWith('containerd-shim-runc-v2') || !words.includes(socketOf(daemon))) return [];
    return words[words.indexOf('-id') + 1] ?? '';
  });
  compare(
    'shims',
    shims,
    running.map(({ Id }) => Id),
  );
}

/** Links, addresses, listening sockets and rules of the host, and what is inside. */
async function networks(daemon: TestDaemon, compare: Compare, owners: Inspected[]): Promise<void> {
  const { host } = daemon;
  type Network = { Id: string; Name: string; Driver: string };
  const made = (await daemon.api('GET', '/networks')).json<Network[]>();
  const bridges = made.filter(({ Driver }) => Driver === 'bridge');
  const links = await host.links();
  compare(
    'bridges',
    links.filter(({ linkinfo }) => linkinfo?.info_kind === 'bridge').map(({ ifname }) => ifname),
    bridges.map(({ Name, Id }) => (Name === 'bridge' ? 'docker0' : `br-${Id.slice(0, 12)}`)),
  );
  const endpoints = (one: Inspected) =>
    Object.values(one.NetworkSettings.Networks).filter(({ IPAddress }) => IPAddress !== '');
  compare(
    'veths',
    (await host.veths()).map((_, index) => `#${index}`),
    owners.flatMap(endpoints).map((_, index) => `#${index}`),
  );
  for (const one of owners) {
    if (one.HostConfig.NetworkMode === 'host') continue;
    const enter = ['nsenter', `--net=/proc/${one.State.Pid}/ns/net`, '--'];
    type Row = { addr_info: Array<{ local: string }> };
    const rows = JSON.parse(await ok([...enter, 'ip', '-4', '-j', 'addr'])) as Row[];
    compare(
      `addresses of ${one.Name}`,
      rows.flatMap((row) => (row.addr_info ?? []).map(({ local }) => local)),
      ['127.0.0.1', ...endpoints(one).map(({ IPAddress }) => IPAddress)],
    );
    const named = Object.keys(one.NetworkSettings.Networks).some(
      (name) => !['bridge', 'none'].includes(name),
    );
    const listens = (await ok([...enter, 'ss', '-Hlun']))
      .split('\n')
      .filter((row) => row.includes('127.0.0.11'));
    compare(
      `name servers of ${one.Name}`,
      listens.map((_, index) => `#${index}`),
      named ? ['#0'] : [],
    );
  }
  const published = owners.flatMap(({ NetworkSettings: { Ports } }) =>
    Object.entries(Ports).flatMap(([port, hosts]) =>
      (hosts ?? []).filter(({ HostIp }) => HostIp === '0.0.0.0').map(({ HostPort }) => ({ port, HostPort })),
    ),
  );
  const tcpAndUdp = (rows: string) =>
    rows.split('\n').flatMap((row) => {
      const [kind = '', address = ''] = row.split(/\s+/).filter((_, index) => index === 0 || index === 4);
      const port = /^0\.0\.0\.0:(\d+)$/.exec(address)?.[1];
      return port === undefined ? [] : [`${port}/${kind}`];
    });
  compare(
    'bound ports',
    tcpAndUdp(await host.ok('ss', '-Hltun')),
    published.map(({ port, HostPort }) => `${HostPort}/${port.split('/')[1]}`),
  );
  const dnat = (rules: string[], chain: string) =>
    rules.flatMap((rule) => {
      const match = new RegExp(
        `^-A ${chain} .*-p (\\w+) .*--dport (\\d+) .*--to-destination [\\d.]+:(\\d+)`,
      ).exec(rule);
      return match === null ? [] : [`${match[2]}→${match[3]}/${match[1]}`];
    });
  const nat = await host.rules('nat');
  const wanted = published.map(({ port, HostPort }) => `${HostPort}→${port}`);
  compare('DNAT', dnat(nat, 'DOCKER'), wanted);
  const live = new Set(owners.flatMap(endpoints).map(({ IPAddress }) => IPAddress));
  const named = [...nat, ...(await host.rules('filter'))].filter((rule) =>
    [...rule.matchAll(/\b(172\.\d+\.\d+\.\d+)(\/32|:)/g)].some(([, ip = '']) => !live.has(ip)),
  );
  compare('rules of addresses', named, []);
}

function without(these: readonly string[], those: readonly string[]): string[] {
  const rest = [...those];
  return these.filter((one) => {
    const at = rest.indexOf(one);
    if (at >= 0) rest.splice(at, 1);
    return at < 0;
  });
}

const socketOf = (daemon: TestDaemon) => join(daemon.execRoot, 'containerd/containerd.sock');

/** cgroup v1's freezer, or v2's. */
function isFrozen(pid: number): boolean {
  for (const line of read(`/proc/${pid}/cgroup`).trim().split('\n')) {
    const [, controllers = '', path = ''] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (controllers === 'freezer') {
      return read(`/sys/fs/cgroup/freezer${path}/freezer.state`).trim() === 'FROZEN';
    }
    if (controllers === '' && existsSync(`/sys/fs/cgroup${path}/cgroup.freeze`)) {
      return read(`/sys/fs/cgroup${path}/cgroup.freeze`).trim() === '1';
    }
  }
  return false;
}

function names(path: string): string[] {
  return existsSync(path) ? readdirSync(path) : [];
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
