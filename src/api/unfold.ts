/** Published ports as Docker's clients know them, one by one, of what the engine keeps as runs. */

import { portRuns, unfoldPortSet, unfoldPorts } from '../base/port-runs.ts';
import { rangeSize } from '../base/ports.ts';
import type { PortBinding, PortMap, PortSet, PortSummary } from '../base/wire/index.ts';
import { JsonPieces, joinPieces } from './json-pieces.ts';

/** From so many ports on, their text is made as it is sent. */
const MANY = 512;

/** `NetworkSettings.Ports`, `HostConfig.PortBindings` */
export function unfoldedPorts(map: PortMap): PortMap | JsonPieces {
  if (!isMany(map)) return Object.fromEntries(unfoldPorts(map));
  return new JsonPieces(joinPieces('{', texts(unfoldPorts(map), memberText)));
}

/** `Config.ExposedPorts` */
export function unfoldedPortSet(set: PortSet): PortSet | JsonPieces {
  const keys = Object.keys(set);
  if (!isMany(set)) return Object.fromEntries([...unfoldPortSet(keys)].map((key) => [key, {}]));
  return new JsonPieces(
    joinPieces(
      '{',
      texts(unfoldPortSet(keys), (key) => memberText([key, {}])),
    ),
  );
}

/** `Ports` of a line of `ps` */
export function portSummaries(map: PortMap): PortSummary[] | JsonPieces {
  if (!isMany(map)) return [...summaries(map)];
  return new JsonPieces(
    joinPieces(
      '[',
      texts(summaries(map), (summary) => JSON.stringify(summary)),
    ),
  );
}

function* summaries(map: PortMap): Generator<PortSummary> {
  for (const [port, hosts] of unfoldPorts(map)) {
    const [number = '', type = 'tcp'] = port.split('/');
    const own = { PrivatePort: Number(number), Type: type };
    // A routed port is met under the container's own address: `80/tcp`, where `0.0.0.0:0->80/tcp` would name a port nobody has.
    const bound = hosts?.filter(({ HostPort }) => HostPort !== '') ?? [];
    if (bound.length === 0) yield own;
    for (const { HostIp, HostPort } of bound) yield { IP: HostIp, ...own, PublicPort: Number(HostPort) };
  }
}

function isMany(map: PortMap | PortSet): boolean {
  const runs = portRuns(Object.fromEntries(Object.keys(map).map((key) => [key, null])));
  return runs.reduce((count, run) => count + rangeSize(run), 0) >= MANY;
}

function memberText([name, value]: [string, PortBinding[] | object | null]): string {
  return `${JSON.stringify(name)}:${JSON.stringify(value)}`;
}

function* texts<T>(values: Iterable<T>, text: (value: T) => string): Generator<string> {
  for (const value of values) yield text(value);
}
