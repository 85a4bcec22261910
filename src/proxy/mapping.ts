/** What a mapping must look like, and what it means port by port. Pure. */
import { conflict, invalid } from '../base/errors.ts';
import { hostPort, isIp } from '../base/ip.ts';
import { MAX_PORT } from '../base/ports.ts';
import type { ProxyMapping } from '../base/proxy-control.ts';

/** Throws `invalid`, naming the mapping and the value, unless `value` is a mapping in every field. */
export function checkMapping(value: unknown): ProxyMapping {
  if (typeof value !== 'object' || value === null)
    throw invalid(`mapping ${JSON.stringify(value)} is no object`);
  const mapping = value as ProxyMapping;
  const refuse = (field: keyof ProxyMapping): never => {
    throw invalid(
      `mapping ${JSON.stringify(mapping.id)}: ${field} ${JSON.stringify(mapping[field])} is not valid`,
    );
  };
  const isPort = (port: unknown, least: number) =>
    Number.isInteger(port) && Number(port) >= least && Number(port) <= MAX_PORT;
  if (typeof mapping.id !== 'string' || mapping.id === '') refuse('id');
  if (mapping.proto !== 'tcp' && mapping.proto !== 'udp') refuse('proto');
  if (mapping.mode !== 'forward' && mapping.mode !== 'hold') refuse('mode');
  if (!['undefined', 'boolean'].includes(typeof mapping.proxyProtocol)) refuse('proxyProtocol');
  if (mapping.proxyProtocol && mapping.proto !== 'tcp') refuse('proxyProtocol');
  if (!isPort(mapping.hostPort, 0)) refuse('hostPort');
  if (!isPort(mapping.targetPort, 1)) refuse('targetPort');
  if (mapping.hostPortEnd !== undefined) {
    if (!isPort(mapping.hostPortEnd, mapping.hostPort)) refuse('hostPortEnd');
    if (mapping.hostPort === 0 && mapping.hostPortEnd !== 0) refuse('hostPortEnd');
    if (mapping.targetPort + mapping.hostPortEnd - mapping.hostPort > MAX_PORT) refuse('targetPort');
  }
  for (const field of ['hostIp', 'targetIp'] as const) {
    if (typeof mapping[field] !== 'string' || !isIp(mapping[field])) refuse(field);
  }
  return mapping;
}

/** Checks every mapping of a request, and that no two have the same id. */
export function checkMappings(values: unknown): ProxyMapping[] {
  if (!Array.isArray(values)) throw invalid(`mappings ${JSON.stringify(values)} is no list`);
  const ids = new Set<string>();
  return values.map((value) => {
    const mapping = checkMapping(value);
    if (ids.has(mapping.id)) throw conflict(`mapping ${JSON.stringify(mapping.id)} is given twice`);
    ids.add(mapping.id);
    return mapping;
  });
}

/** The host ports of a mapping, ascending; `[0]` when the kernel is to choose. */
export function hostPortsOf(mapping: ProxyMapping): number[] {
  const last = mapping.hostPortEnd ?? mapping.hostPort;
  return Array.from({ length: last - mapping.hostPort + 1 }, (_, offset) => mapping.hostPort + offset);
}

/** True when `standing` is what `wanted` asks for: the same ports (any one when it asks for 0), target and mode. */
export function satisfies(standing: ProxyMapping, wanted: ProxyMapping): boolean {
  const lastPort = (mapping: ProxyMapping) => mapping.hostPortEnd ?? mapping.hostPort;
  const samePorts = standing.hostPort === wanted.hostPort && lastPort(standing) === lastPort(wanted);
  return (
    (samePorts || (wanted.hostPort === 0 && standing.hostPort === lastPort(standing))) &&
    standing.proto === wanted.proto &&
    standing.hostIp === wanted.hostIp &&
    standing.targetIp === wanted.targetIp &&
    standing.targetPort === wanted.targetPort &&
    standing.mode === wanted.mode &&
    (standing.proxyProtocol ?? false) === (wanted.proxyProtocol ?? false)
  );
}

/** `0.0.0.0:8080/tcp`, `[::]:53/udp`: as Docker's messages write a host port, and the name of its socket here. */
export function portName(proto: string, ip: string, port: number): string {
  return `${hostPort(ip, port)}/${proto}`;
}
