/** The table of published ports, with who can reach each. */

import type { MapEndpoint, MapPort, NetworkMap, PortExposure } from '../../src/base/wire/index.ts';
import type { Answer } from '../answers.ts';
import { h } from '../dom.ts';
import type { Messages } from '../i18n/en.ts';
import { isRouted, portLines, publishedAt, servedAs } from '../model/ports.ts';
import { containerId } from '../model/things.ts';
import { thingButton } from './thing-button.ts';

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

export interface PortsOptions {
  /** `GET /bridgeport/exposure`, as far as it is known. */
  exposure: Answer<PortExposure[]>;
  words: Messages;
  choose: (id: string) => void;
}

export function portsTable(map: NetworkMap, { exposure, words, choose }: PortsOptions): Node[] {
  const rows = portRows(map);
  if (rows.length === 0) return [h('p', { class: 'quiet' }, words.portsEmpty)];
  const head = [words.portAt, words.portReach];
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
            h(
              'td',
              {},
              h('div', { class: 'mono' }, isRouted(port) ? serves : `${at} → ${serves}`),
              thingButton(containerId(endpoint.container.id), endpoint.container.name, choose),
              h('div', { class: 'quiet' }, port.servedBy && words.carriers[port.servedBy]),
            ),
            h('td', {}, ...reachOf(exposureOf(endpoint, port, exposure), words)),
          ),
        ),
      ),
    ),
  ];
}

/** A line for each published port of an endpoint: what is published, and how far it is reached. */
export function portFacts(endpoint: MapEndpoint, answer: Answer<PortExposure[]>, words: Messages): Node[] {
  const lines = new Map<string, string>();
  for (const port of endpoint.ports) {
    const [line = ''] = portLines([port]);
    const reach = exposureOf(endpoint, port, answer)?.reach;
    if (!lines.has(line)) lines.set(line, reach === undefined ? '' : ` · ${words.reach[reach]}`);
  }
  return [...lines].map(([line, reach]) => h('span', {}, h('span', { class: 'mono' }, line), reach));
}

/** The row of the daemon's answer that is about `port`; of the same port on IPv4 and IPv6, that of IPv4. */
function exposureOf(
  { container }: MapEndpoint,
  { hostIp, hostPort, containerPort, proto }: MapPort,
  answer: Answer<PortExposure[]>,
): PortExposure | undefined {
  if (answer.state !== 'ready') return undefined;
  return answer.value.find(
    (row) =>
      row.container.id === container.id &&
      row.hostIp === hostIp &&
      row.hostPort === hostPort &&
      row.containerPort === containerPort &&
      row.proto === proto,
  );
}

function reachOf(exposure: PortExposure | undefined, words: Messages): Node[] {
  if (exposure === undefined) return [h('span', { class: 'quiet' }, words.reachUnknown)];
  const { reach, from, otherNetworks, notes, deciders, ways = [] } = exposure;
  const isOutside = reach === 'world' || reach === 'lan';
  const closed = ways.flatMap(({ from: whom, closedBy }) =>
    closedBy === undefined ? [] : [words.reachClosed(whomOf(whom, words), closedBy.text)],
  );
  const more = [
    ...from,
    ...(otherNetworks && isOutside ? [words.reachOthers] : []),
    ...closed,
    ...notes,
    ...(isOutside && deciders.length > 0 ? [words.reachDecided(deciders.join(', '))] : []),
  ];
  return [
    h('span', { class: `reach ${reach}` }, words.reach[reach]),
    ...more.map((line) => h('div', { class: 'quiet' }, line)),
  ];
}

/** `host` and `world` have words; networks have their own. */
function whomOf(whom: string, { reach }: Messages): string {
  return whom === 'host' || whom === 'world' ? reach[whom] : whom;
}
