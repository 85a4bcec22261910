/** `docker ps`: which containers, and what is shown of each. */

import { invalid } from '../../base/errors.ts';
import { parsePortSpec } from '../../base/ports.ts';
import { parseNanos } from '../../base/time.ts';
import type { Filters, ListedContainer, PortMap } from '../../base/wire/index.ts';
import { matchesLabels, matchesPattern } from '../filters.ts';
import type { Container } from './container.ts';
import { humanDuration } from './human-duration.ts';
import { type InspectFacts, shownMounts } from './inspect.ts';

const KNOWN_FILTERS = new Set(
  'ancestor before exited expose health id isolation is-task label name network publish since status volume'.split(
    ' ',
  ),
);
const STATUSES = ['created', 'running', 'paused', 'restarting', 'removing', 'exited', 'dead'];

export interface ListOptions {
  all: boolean;
  /** 0: no limit */
  limit: number;
  filters: Filters;
}

export interface ListFacts {
  find(ref: string): Container;
  ports(container: Container): PortMap;
  networks(container: Container): Record<string, { NetworkID?: string }>;
  /** Does the image reference (name, id, ancestor) mean the image of this container? */
  isImage(reference: string, container: Container): boolean;
}

/** The newest first. Throws `invalid` for a filter that does not exist. */
export function selectContainers(
  containers: readonly Container[],
  options: ListOptions,
  facts: ListFacts,
): Container[] {
  const { filters } = options;
  for (const name of Object.keys(filters)) {
    if (!KNOWN_FILTERS.has(name)) throw invalid(`invalid filter '${name}'`);
  }
  for (const status of filters.status ?? []) {
    if (!STATUSES.includes(status)) throw invalid(`invalid filter 'status=${status}'`);
  }
  for (const code of filters.exited ?? []) {
    if (!/^-?\d+$/.test(code)) throw invalid(`invalid filter 'exited=${code}'`);
  }
  const before = (filters.before ?? []).map((ref) => facts.find(ref).record.createdAt);
  const since = (filters.since ?? []).map((ref) => facts.find(ref).record.createdAt);
  // `-l`, `-n`, a status or an exit code speak of containers that need not run.
  const all = options.all || options.limit > 0 || 'status' in filters || 'exited' in filters;
  const chosen = containers.toReversed().filter((container) => {
    const { record } = container;
    return (
      (all || container.isRunning || record.state.status === 'restarting') &&
      before.every((time) => record.createdAt < time) &&
      since.every((time) => record.createdAt > time) &&
      matches(container, filters, facts)
    );
  });
  return options.limit > 0 ? chosen.slice(0, options.limit) : chosen;
}

function matches(container: Container, filters: Filters, facts: ListFacts): boolean {
  const { record } = container;
  const { state, config, mounts } = record;
  const any = (name: string, test: (value: string) => boolean) => {
    const values = filters[name];
    return values === undefined || values.length === 0 || values.some(test);
  };
  return (
    any('id', (value) => record.id.startsWith(value)) &&
    any(
      'name',
      (value) => matchesPattern(record.name, [value]) || matchesPattern(`/${record.name}`, [value]),
    ) &&
    any('status', (value) => state.status === value) &&
    any('exited', (value) => state.status === 'exited' && state.exitCode === Number(value)) &&
    any('health', (value) => (state.health?.Status ?? 'none') === value) &&
    any('ancestor', (value) => facts.isImage(value, container)) &&
    any('volume', (value) =>
      mounts.some((mount) => mount.Name === value || mount.Destination === value || mount.Source === value),
    ) &&
    any('network', (value) =>
      Object.entries(facts.networks(container)).some(
        ([name, endpoint]) => name === value || endpoint.NetworkID?.startsWith(value),
      ),
    ) &&
    any('expose', (value) => portMatches(Object.keys(config.ExposedPorts ?? {}), value)) &&
    any('publish', (value) =>
      Object.entries(facts.ports(container)).some(([port, hosts]) =>
        portMatches(
          (hosts ?? []).flatMap(({ HostPort }) =>
            HostPort === '' ? [] : `${HostPort}/${port.split('/')[1]}`,
          ),
          value,
        ),
      ),
    ) &&
    any('is-task', (value) => value === 'false' || value === '0') &&
    matchesLabels(config.Labels, filters.label ?? [])
  );
}

/** Whether one of the ports (`80/tcp`, `8000-8010/tcp`) is among the wanted: `80`, `80/tcp`, `80-90/udp`. */
function portMatches(ports: string[], wanted: string): boolean {
  const match = /^(\d+)(?:-(\d+))?(?:\/(\w+))?$/.exec(wanted);
  if (match === null) return false;
  const first = Number(match[1]);
  const last = Number(match[2] ?? match[1]);
  return ports.some((port) => {
    const { proto, start, end } = parsePortSpec(port);
    return end >= first && start <= last && proto === (match[3] ?? 'tcp');
  });
}

/** `linkNames`: what others call it, `/client/alias`. */
export function summarize(
  container: Container,
  facts: Pick<InspectFacts, 'sandbox' | 'plannedNetworks' | 'size'> & { linkNames: readonly string[] },
): ListedContainer {
  const { record } = container;
  const { config, hostConfig } = record;
  const [path = '', ...args] = [...(config.Entrypoint ?? []), ...(config.Cmd ?? [])];
  return {
    Id: record.id,
    Names: [`/${record.name}`, ...facts.linkNames],
    Image: record.imageName,
    ImageID: record.imageId,
    // Quoted as Docker does it: for the eye, not for a shell.
    Command: [path, ...args.map((arg) => (arg.includes(' ') ? `'${arg}'` : arg))].join(' '),
    Created: Math.floor(Date.parse(record.createdAt) / 1000),
    Ports: facts.sandbox?.ports ?? {},
    ...(facts.size === undefined ? {} : { SizeRw: facts.size.rw, SizeRootFs: facts.size.rootFs }),
    Labels: config.Labels,
    State: record.state.status,
    Status: statusText(container),
    HostConfig: { NetworkMode: hostConfig.NetworkMode },
    NetworkSettings: { Networks: facts.sandbox?.networks ?? facts.plannedNetworks },
    Mounts: shownMounts(record),
  };
}

/** `Up 5 minutes (healthy)`, `Exited (0) 2 hours ago`, `Created` */
export function statusText(container: Container, now = Date.now()): string {
  const { state } = container.record;
  const since = (time: string) => humanDuration(now - Number((parseNanos(time) ?? 0n) / 1_000_000n));
  switch (state.status) {
    case 'running': {
      const health = state.health?.Status;
      const suffix =
        health === undefined || health === 'none'
          ? ''
          : ` (${health === 'starting' ? 'health: starting' : health})`;
      return `Up ${since(state.startedAt)}${suffix}`;
    }
    case 'paused':
      return `Up ${since(state.startedAt)} (Paused)`;
    case 'restarting':
      return `Restarting (${state.exitCode}) ${since(state.finishedAt)} ago`;
    case 'created':
      return 'Created';
    case 'removing':
      return 'Removal In Progress';
    case 'dead':
      return 'Dead';
    default:
      return `Exited (${state.exitCode}) ${since(state.finishedAt)} ago`;
  }
}
