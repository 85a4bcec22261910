/** The variables of Docker's links: `WEB_PORT_80_TCP_ADDR` and its sisters. Pure. */

import { unfoldPortSet } from '../../base/port-runs.ts';
import { type PortSpec, parsePortSpec } from '../../base/ports.ts';

export interface LinkFacts {
  /** Name of the container that has the link. */
  clientName: string;
  alias: string;
  address: string;
  /** `80/tcp`, `8000-8010/tcp` */
  exposedPorts: string[];
  /** The linked container's own environment. */
  env: string[];
}

/** They say where the linked container's programs are, not how to reach it. */
const NOT_HANDED_ON = new Set(['HOME', 'PATH']);

export function linkEnvironment(link: LinkFacts): string[] {
  const prefix = link.alias.toUpperCase().replaceAll('-', '_');
  const ports = [...unfoldPortSet(link.exposedPorts)].map(parsePortSpec).sort(byProtocol);
  const url = ({ proto, start }: PortSpec) => `${proto}://${link.address}:${start}`;
  const variable = ({ proto, start }: PortSpec) => `${prefix}_PORT_${start}_${proto.toUpperCase()}`;
  const variables: string[] = [];
  const [first] = ports;
  if (first !== undefined) variables.push(`${prefix}_PORT=${url(first)}`);
  for (const port of ports) {
    const name = variable(port);
    variables.push(
      `${name}=${url(port)}`,
      `${name}_ADDR=${link.address}`,
      `${name}_PORT=${port.start}`,
      `${name}_PROTO=${port.proto}`,
    );
  }
  for (const [start, end] of runs(ports)) {
    const name = variable(start);
    variables.push(
      `${name}_START=${url(start)}`,
      `${name}_PORT_START=${start.start}`,
      `${name}_END=${url(end)}`,
      `${name}_PORT_END=${end.start}`,
    );
  }
  variables.push(`${prefix}_NAME=/${link.clientName}/${link.alias}`);
  for (const own of link.env) {
    const separator = own.indexOf('=');
    const name = own.slice(0, separator);
    if (separator > 0 && !NOT_HANDED_ON.has(name)) variables.push(`${prefix}_ENV_${own}`);
  }
  return variables;
}

/** TCP first: the first port is the one that `WEB_PORT` names. */
function byProtocol(a: PortSpec, b: PortSpec): number {
  if (a.proto === b.proto) return a.start - b.start;
  if (a.proto === 'tcp') return -1;
  if (b.proto === 'tcp') return 1;
  return a.proto < b.proto ? -1 : 1;
}

/** First and last of every two or more ports in a row. */
function runs(ports: readonly PortSpec[]): Array<[PortSpec, PortSpec]> {
  const found: Array<[PortSpec, PortSpec]> = [];
  for (const port of ports) {
    const last = found.at(-1);
    if (last !== undefined && last[1].proto === port.proto && last[1].start + 1 === port.start)
      last[1] = port;
    else found.push([port, port]);
  }
  return found.filter(([start, end]) => start !== end);
}
