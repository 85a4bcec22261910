/**
 * Docker's port maps with one entry for neighbours, so that thousands of ports cost what one costs: in the store, in memory, and for
 * whoever waits meanwhile.
 *
 * The spelling is that of `-p`: `{"8000-8010/tcp": [{HostIp: "", HostPort: "9000-9010"}]}` are eleven ports, each on the host port
 * that is as far from 9000 as it is from 8000. Without a host port (`""`, `"0"`), each of them has any. A map of single ports is one
 * of these too. Docker's clients know single ports alone: what comes from them is folded by the API, and unfolded when it is sent.
 */

import { invalid } from './errors.ts';
import {
  formatPortSpec,
  isProtocol,
  MAX_PORT,
  type PortRange,
  type PortSpec,
  PROTOCOLS,
  parsePortSpec,
} from './ports.ts';
import type { PortBinding, PortMap, PortSet } from './wire/index.ts';

/** An entry of a port map. */
export interface PortRun extends PortSpec {
  /** Host sides of the first port; a numbered host port grows with the container's. Null: exposed only. */
  readonly hosts: readonly PortBinding[] | null;
}

/** The entries of a map, in its order. Throws `invalid` for a key that is none. */
export function portRuns(map: PortMap): PortRun[] {
  return Object.entries(map).map(([key, hosts]) => {
    const spec = parsePortSpec(key);
    return { ...spec, hosts: spec.start === spec.end ? hosts : firstHosts(hosts) };
  });
}

/** The map of these entries: neighbours in step are one. Where two have a port in common, it is the later one's. */
export function portMap(runs: Iterable<PortRun>): PortMap {
  const map: PortMap = {};
  for (const run of joined(runs)) {
    const length = run.end - run.start;
    map[formatPortSpec(run)] =
      run.hosts?.map((host) =>
        length > 0 && isNumber(host.HostPort)
          ? { HostIp: host.HostIp, HostPort: `${host.HostPort}-${Number(host.HostPort) + length}` }
          : host,
      ) ?? null;
  }
  return map;
}

/** The entry of one port as clients spell it, `80` or `80/TCP`. Throws `invalid` quoting one that is none. */
export function portRun(key: string, hosts: readonly PortBinding[] | null): PortRun {
  const match = /^(\d{1,5})(?:\/([a-zA-Z]+))?$/.exec(key);
  const port = Number(match?.[1]);
  if (match === null || port < 1 || port > MAX_PORT) throw invalid(`invalid port specification: "${key}"`);
  const proto = match[2]?.toLowerCase() ?? 'tcp';
  if (!isProtocol(proto)) {
    throw invalid(`invalid port specification: unknown protocol in "${key}"`);
  }
  return { proto, start: port, end: port, hosts };
}

/** A map of single ports, as clients know it, one by one. */
export function* unfoldPorts(map: PortMap): Generator<[port: string, hosts: PortBinding[] | null]> {
  for (const [key, hosts] of Object.entries(map)) {
    if (!key.includes('-')) yield [key, hosts];
    else {
      const [run] = portRuns({ [key]: hosts }) as [PortRun];
      for (let port = run.start; port <= run.end; port++) yield [`${port}/${run.proto}`, hostsAt(run, port)];
    }
  }
}

/** A set of ports with one key for neighbours. Throws `invalid` for a key that is none. */
export function foldPortSet(keys: Iterable<string>): PortSet {
  return Object.fromEntries(joined(setRuns(keys)).map((run) => [formatPortSpec(run), {}]));
}

function* setRuns(keys: Iterable<string>): Generator<PortRun> {
  for (const key of keys) {
    yield key.includes('-') ? { ...parsePortSpec(key), hosts: null } : portRun(key, null);
  }
}

/** The single ports of a set. */
export function* unfoldPortSet(keys: Iterable<string>): Generator<string> {
  for (const key of keys) {
    if (!key.includes('-')) yield key;
    else {
      const { proto, start, end } = parsePortSpec(key);
      for (let port = start; port <= end; port++) yield `${port}/${proto}`;
    }
  }
}

/** The host sides of one port of a run. */
export function hostsAt({ start, hosts }: PortRun, port: number): PortBinding[] | null {
  if (hosts === null || port === start) return hosts as PortBinding[] | null;
  return hosts.map((host) =>
    isNumber(host.HostPort)
      ? { HostIp: host.HostIp, HostPort: `${Number(host.HostPort) + port - start}` }
      : host,
  );
}

/** Ports that the same ranges cover. */
export interface PortPiece<T> extends PortSpec {
  /** In the order in which they were given. */
  readonly of: T[];
}

/** Cuts ranges at each other's ends: each covers a piece whole, or not at all. What none covers is left out. */
export function portPieces<T extends PortSpec>(ranges: readonly T[]): Array<PortPiece<T>> {
  return [...Map.groupBy(ranges, ({ proto }) => proto)].flatMap(([proto, group]) => {
    const cuts = [...new Set(group.flatMap(({ start, end }) => [start, end + 1]))].sort((a, b) => a - b);
    const index = new Map(cuts.map((cut, place) => [cut, place]));
    const pieces = cuts.slice(1).map((cut, place): PortPiece<T> => {
      return { proto, start: cuts[place] as number, end: cut - 1, of: [] };
    });
    for (const range of group) {
      const end = index.get(range.end + 1) as number;
      for (let place = index.get(range.start) as number; place < end; place++) pieces[place]?.of.push(range);
    }
    return pieces.filter(({ of }) => of.length > 0);
  });
}

/** What is left of `whole` without `parts`, in ascending order. */
export function remainder(whole: PortRange, parts: readonly PortRange[]): PortRange[] {
  const left: PortRange[] = [];
  let next = whole.start;
  for (const { start, end } of parts.toSorted((a, b) => a.start - b.start)) {
    if (start > next && next <= whole.end) left.push({ start: next, end: Math.min(start - 1, whole.end) });
    next = Math.max(next, end + 1);
  }
  if (next <= whole.end) left.push({ start: next, end: whole.end });
  return left;
}

/** True for a host port that is a number in its one usual spelling. */
function isNumber(text: string): boolean {
  return text !== '0' && /^[1-9]\d{0,4}$/.test(text);
}

/** The host sides of a run's first port. */
function firstHosts(hosts: readonly PortBinding[] | null): PortBinding[] | null {
  return (
    hosts?.map((host) => {
      const dash = host.HostPort.indexOf('-');
      return dash < 0 ? host : { HostIp: host.HostIp, HostPort: host.HostPort.slice(0, dash) };
    }) ?? null
  );
}

interface OpenRun extends PortRun {
  end: number;
}

/** By protocol and number. */
function joined(runs: Iterable<PortRun>): PortRun[] {
  // Most come in their order: few are left to be sorted.
  const inStep: OpenRun[] = [];
  for (const run of runs) {
    const last = inStep.at(-1);
    if (last !== undefined && continues(last, run)) last.end = run.end;
    else inStep.push({ ...run });
  }
  const order = ({ proto }: PortRun) => PROTOCOLS.indexOf(proto);
  const result: OpenRun[] = [];
  for (const run of inStep.sort((a, b) => order(a) - order(b) || a.start - b.start)) {
    let last = result.at(-1);
    if (last?.proto === run.proto && last.end >= run.start) {
      const isHidden = last.start === run.start;
      if (last.hosts === null && run.hosts === null) {
        last.end = Math.max(last.end, run.end);
        continue;
      }
      if (isHidden) {
        result.pop();
        last = result.at(-1);
      } else last.end = run.start - 1;
    }
    if (last !== undefined && continues(last, run)) last.end = run.end;
    else result.push(run);
  }
  return result;
}

function continues(run: PortRun, next: PortRun): boolean {
  if (run.proto !== next.proto || run.end + 1 !== next.start) return false;
  if (run.hosts === null || next.hosts === null) return run.hosts === next.hosts;
  const distance = next.start - run.start;
  return (
    run.hosts.length === next.hosts.length &&
    run.hosts.every(({ HostIp, HostPort }, index) => {
      const other = next.hosts?.[index] as PortBinding;
      if (HostIp !== other.HostIp) return false;
      if (HostPort === '' || HostPort === '0') return other.HostPort === HostPort;
      return isNumber(HostPort) && other.HostPort === `${Number(HostPort) + distance}`;
    })
  );
}
