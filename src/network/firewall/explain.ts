/** Why a rule is there, in words: the sentence of its origin with names filled in. Pure. */

import { type Origin, type OriginPort, SENTENCES, type SentenceKey } from './origin.ts';

/** What networks and endpoints are called by those who read. */
export interface OriginNames {
  network(id: string): string;
  endpoint(id: string): string;
}

/** The words that sentences are made of, for those who speak another language. */
export interface OriginWords {
  readonly sentences: Readonly<Record<SentenceKey, string>>;
  readonly everyAddress: string;
}

const ENGLISH: OriginWords = { sentences: SENTENCES, everyAddress: 'every address of the host' };

/** `Port 8080 of every address of the host stands for port 80 of web.` What the origin does not say stays `{…}`. */
export function explainOrigin(origin: Origin, names: OriginNames, words: OriginWords = ENGLISH): string {
  const { networkId, endpointId, port, link } = origin;
  const values: Record<string, string | undefined> = {
    network: networkId && names.network(networkId),
    endpoint: endpointId && names.endpoint(endpointId),
    server: link && names.endpoint(link.serverEndpointId),
    alias: link?.alias,
    containerPort: port && portText(port.containerPort, port.containerPortEnd),
    hostPort: port?.hostPort === undefined ? undefined : portText(port.hostPort, port.hostPortEnd),
    hostIp: port?.hostIp && hostText(port.hostIp, words),
  };
  return words.sentences[origin.key].replaceAll(/\{(\w+)\}/g, (whole, name: string) => values[name] ?? whole);
}

/** Whom a rule is for: `every network`, `network front`, `port 80/tcp of web`, `the link from app to db`. */
export function ownerOfOrigin(origin: Origin, names: OriginNames): string {
  const { networkId, endpointId, port, link } = origin;
  if (link !== undefined && endpointId !== undefined) {
    return `the link from ${names.endpoint(endpointId)} to ${names.endpoint(link.serverEndpointId)}`;
  }
  if (port !== undefined && endpointId !== undefined) {
    return `port ${portText(port.containerPort, port.containerPortEnd)}/${port.proto} of ${names.endpoint(endpointId)}`;
  }
  if (endpointId !== undefined) return names.endpoint(endpointId);
  return networkId === undefined ? 'every network' : `network ${names.network(networkId)}`;
}

function portText(start: OriginPort['containerPort'], end: number | undefined): string {
  return end === undefined || end === start ? `${start}` : `${start}-${end}`;
}

function hostText(ip: string, { everyAddress }: OriginWords): string {
  return ip === '0.0.0.0' || ip === '::' ? everyAddress : ip;
}
