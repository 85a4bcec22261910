/** Transport ports, ranges of them, and the `80/tcp` spelling that Docker's API uses as a key. */

import { invalid } from './errors.ts';

/** Transport protocols that can be published. */
export type Protocol = 'tcp' | 'udp' | 'sctp';

export const PROTOCOLS: readonly Protocol[] = ['tcp', 'udp', 'sctp'];

/** Inclusive range; a single port has `start === end`. */
export interface PortRange {
  readonly start: number;
  readonly end: number;
}

/** A range with its protocol: the parsed form of `8000-8010/udp`. */
export interface PortSpec extends PortRange {
  readonly proto: Protocol;
}

export const MAX_PORT = 65535;

const PORTS = /^([0-9]{1,5})(?:-([0-9]{1,5}))?$/;

/**
 * Reads `8080` or `8000-8010`. Port 0 is accepted alone: it means "any free port" where a host port is asked for.
 * Throws `invalid`: `invalid port range: …`.
 */
export function parsePortRange(text: string): PortRange {
  const match = PORTS.exec(text);
  const start = Number(match?.[1]);
  const end = match?.[2] === undefined ? start : Number(match[2]);
  if (match === null || start > MAX_PORT || end > MAX_PORT || (match[2] !== undefined && start === 0)) {
    throw invalid(`invalid port range: ${JSON.stringify(text)}`);
  }
  if (end < start) throw invalid(`invalid port range: ${JSON.stringify(text)} ends before it starts`);
  return { start, end };
}

/**
 * Reads `80`, `80/udp` or `8000-8010/tcp`; the protocol is `tcp` when none is given and may be written in capitals.
 * Throws `invalid`: `invalid proto: …` or `invalid port range: …`.
 */
export function parsePortSpec(text: string): PortSpec {
  const slash = text.indexOf('/');
  const ports = slash < 0 ? text : text.slice(0, slash);
  return { proto: parseProtocol(slash < 0 ? 'tcp' : text.slice(slash + 1)), ...parsePortRange(ports) };
}

/** Throws `invalid`: `invalid proto: …`. */
export function parseProtocol(text: string): Protocol {
  const proto = text.toLowerCase();
  if (!isProtocol(proto)) throw invalid(`invalid proto: ${JSON.stringify(text)}`);
  return proto;
}

export function isProtocol(text: string): text is Protocol {
  return (PROTOCOLS as readonly string[]).includes(text);
}

/** `80/tcp`, `8000-8010/udp`: the key of Docker's port maps. */
export function formatPortSpec(spec: PortSpec): string {
  return `${formatPortRange(spec)}/${spec.proto}`;
}

/** `8080` or `8000-8010`. */
export function formatPortRange(range: PortRange): string {
  return range.start === range.end ? `${range.start}` : `${range.start}-${range.end}`;
}

/** Number of ports in the range. */
export function rangeSize(range: PortRange): number {
  return range.end - range.start + 1;
}

/** Every port of the range, in order. */
export function* portsOf(range: PortRange): Generator<number, void, undefined> {
  for (let port = range.start; port <= range.end; port++) yield port;
}
