/** The table of published ports, with who can reach each. */

import type { MapEndpoint, MapPort, NetworkMap } from '../../src/base/wire/index.ts';
import { h } from '../dom.ts';
import type { Messages } from '../i18n/en.ts';
import { publishedAt, servedAs } from '../model/ports.ts';
import { containerId } from '../model/things.ts';
import { thingButton } from './details.ts';

export interface PortRow {
  endpoint: MapEndpoint;
  port: MapPort;
  at: string;
  serves: string;
}

/** In the order of the host's ports; the same port on every IPv4 and every IPv6 address is one row. */
export function portRows({ endpoints }: NetworkMap): PortRow[] {
  const rows = new Map<string, PortRow>();
  for (const endpoint of endpoints) {
    for (const port of endpoint.ports) {
      const row = { endpoint, port, at: publishedAt(port), serves: servedAs(port) };
      const key = `${endpoint.container.id} ${row.at} ${row.serves}`;
      if (!rows.has(key)) rows.set(key, row);
    }
  }
  return [...rows.values()].sort(
    (a, b) => a.port.hostPort - b.port.hostPort || (a.at < b.at ? -1 : a.at > b.at ? 1 : 0),
  );
}

export function portsTable(
  map: NetworkMap,
  { words, choose }: { words: Messages; choose: (id: string) => void },
): Node[] {
  const rows = portRows(map);
  if (rows.length === 0) return [h('p', { class: 'quiet' }, words.portsEmpty)];
  const head = [words.portAt, words.portTo, words.portServes, words.portBy, words.portReach];
  return [
    h(
      'table',
      {},
      h('caption', {}, words.portsCaption),
      h('thead', {}, h('tr', {}, ...head.map((title) => h('th', { scope: 'col' }, title)))),
      h(
        'tbody',
        {},
        ...rows.map(({ endpoint, port, at, serves }) =>
          h(
            'tr',
            {},
            h('td', { class: 'mono' }, at),
            h('td', {}, thingButton(containerId(endpoint.container.id), endpoint.container.name, choose)),
            h('td', { class: 'mono' }, serves),
            h('td', {}, port.servedBy === undefined ? words.carrierUnknown : words.carriers[port.servedBy]),
            h('td', {}, reachOf(endpoint, port, words)),
          ),
        ),
      ),
    ),
  ];
}

/** By the address that it is bound to. */
function reachOf({ container }: MapEndpoint, { hostIp }: MapPort, { reach }: Messages): string {
  if (container.pid === undefined) return reach.nobody;
  if (hostIp === '0.0.0.0' || hostIp === '::') return reach.world;
  if (hostIp === '::1' || hostIp.startsWith('127.')) return reach.host;
  return reach.address(hostIp);
}
