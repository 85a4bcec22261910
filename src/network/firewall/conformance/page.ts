/** A page of docs/rules, from the live rules of a scenario on each backend and the cells that it answers. Pure. */

import { explainOrigin, type OriginNames, ownerOfOrigin } from '../explain.ts';
import { type Cell, expectedOutcome, type Outcome } from './cell.ts';
import type { ExplainedGroup } from './explained.ts';
import {
  CONTAINER_PORTS,
  type Container,
  HOST_SERVICE_PORT,
  type NetworkName,
  OUTSIDE_PORT,
  splitContainer,
  type Who,
} from './layout.ts';
import { pageCells, type RulesPage } from './pages.ts';

/** The live rules of one backend, by the title of each part: `IPv4`. */
export interface PageBackend {
  readonly name: string;
  /** The command that shows the same on a host. */
  readonly command: string;
  readonly parts: ReadonlyArray<{ readonly title: string; readonly groups: readonly ExplainedGroup[] }>;
}

export const GENERATED =
  'Written by `UPDATE_RULES=1 scripts/test root firewall/conformance/pages` from rules that a kernel read back, and compared in that test.';

export const OUTCOME_WORDS: Readonly<Record<Outcome, string>> = {
  itself: 'yes',
  gateway: "yes, under the bridge's address",
  host: "yes, under the host's address",
  proxy: 'yes, through the userland proxy',
  refused: 'refused',
  silence: 'no answer',
};

const NAMES: OriginNames = {
  network: (id) => networkLabel(id.replace('conformance-', '') as NetworkName),
  endpoint: (id) => containerLabel(id as Container),
};

export function renderPage(page: RulesPage, backends: readonly PageBackend[]): string {
  return [
    `# ${page.title}`,
    '',
    ...page.about.flatMap((text) => [text, '']),
    '```sh',
    ...page.commands,
    '```',
    '',
    '## Who reaches whom',
    '',
    ...reachTable(page),
    '',
    ...backends.flatMap((backend) => renderBackend(backend)),
    `_${GENERATED}_`,
    '',
  ].join('\n');
}

export function renderIndex(pages: readonly RulesPage[]): string {
  return [
    '# The firewall rules, explained',
    '',
    'One page per scenario: what is typed, who then reaches whom, and every rule in the kernel with the reason for it, on both',
    'firewall backends. The tables of who reaches whom are asked with real packets, through exactly the rules of the page.',
    '',
    '| page | networks |',
    '|---|---|',
    ...pages.map(
      ({ file, title, networks }) => `| [${title}](${file}.md) | ${networks.map(networkLabel).join(', ')} |`,
    ),
    '',
    'In every scenario the host has `10.9.0.1` on `eth0`, where a neighbour (`10.9.0.2`) has routes to the containers, and',
    '`10.8.0.1` on `eth1`, where the world (`10.8.0.2`) has none. A server is `.2` of its network and listens on ports 80 to 83: 80 is',
    'published, 81 only exposed, 82 neither, 83 published on loopback. Rules are those of a host whose forwarding the daemon turned on.',
    '',
    `_${GENERATED}_`,
    '',
  ].join('\n');
}

function renderBackend({ name, command, parts }: PageBackend): string[] {
  return [
    `## ${name}`,
    '',
    `\`${command}\``,
    '',
    ...parts.flatMap(({ title, groups }) => {
      const filled = groups.filter(({ lines }) => lines.length > 0);
      const empty = groups.filter(({ title, lines }) => lines.length === 0 && isWorthTelling(title));
      return [
        ...(parts.length > 1 ? [`### ${title}`, ''] : []),
        ...filled.flatMap((group) => renderGroup(group)),
        ...(empty.length === 0
          ? []
          : [`Empty: ${empty.map((group) => `\`${group.title}\``).join(', ')}.`, '']),
      ];
    }),
  ];
}

/** Of iptables's own chains those without a rule say nothing; ours, and all sets, are part of the layout. */
function isWorthTelling(title: string): boolean {
  return /^(chain|set|map) |DOCKER/.test(title);
}

function renderGroup({ title, lines }: ExplainedGroup): string[] {
  return [
    `**${title}**`,
    '',
    '| | why | for |',
    '|---|---|---|',
    ...lines.map(
      ({ text, origin }) =>
        `| \`${text}\` | ${explainOrigin(origin, NAMES).replace(/^the /, 'The ')} | ${ownerOfOrigin(origin, NAMES)} |`,
    ),
    '',
  ];
}

/** Cells with the same question and answer but for who asks, the port, or the protocol and family, are one row. */
function reachTable(page: RulesPage): string[] {
  const userlandProxy = page.userlandProxy ?? true;
  const cells = pageCells(page);
  const rows = Map.groupBy(cells, (cell) => {
    const { way, why, from } = cell;
    return JSON.stringify([from, targetLabel(cell), way, why, expectedOutcome(cell, userlandProxy)]);
  });
  const bridged = cells.some((cell) => cell.bridged === true);
  return [
    '| who | asks | by | port | answer | because |',
    '|---|---|---|---|---|---|',
    ...[...rows.values()].map((group) => {
      const [cell] = group as [Cell, ...Cell[]];
      const ports = [...new Set(group.map(portLabel))].join(', ');
      const families = [...new Set(group.map(({ family }) => family))];
      const only = families.length < page.families.length ? ` (IP${families[0]})` : '';
      const answer = OUTCOME_WORDS[expectedOutcome(cell, userlandProxy)];
      const mark = cell.bridged === true ? '*' : '';
      return `| ${whoLabel(cell.from)} | ${targetLabel(cell)} | ${wayLabel(cell)} | ${ports} | ${answer}${mark}${only} | ${cell.why} |`;
    }),
    ...(bridged
      ? ['', '\\* Where `br_netfilter` shows the firewall what passes between two ports of one bridge.']
      : []),
  ];
}

function whoLabel(who: Who): string {
  if (who === 'world') return 'the world';
  if (who === 'lan') return 'a neighbour';
  return who === 'host' ? 'the host' : containerLabel(who);
}

function targetLabel({ to }: Cell): string {
  return 'network' in to ? containerLabel(`${to.network}.server`) : whoLabel(to.station);
}

function wayLabel({ way, to }: Cell): string {
  if ('station' in to && way === 'direct') return 'its address';
  const words = {
    host: "the host's address",
    gateway: "the bridge's address",
    loopback: 'loopback',
    direct: 'its own address',
  };
  return words[way];
}

function portLabel({ port, to }: Cell): string {
  if (port !== 'service') return `${port} (${CONTAINER_PORTS[port]})`;
  return String('station' in to && to.station === 'host' ? HOST_SERVICE_PORT : OUTSIDE_PORT);
}

function networkLabel(network: NetworkName): string {
  return network === 'nat' ? 'bridge' : network;
}

function containerLabel(who: Container): string {
  const [network, member] = splitContainer(who);
  const words = { server: 'the server', sibling: 'another container', linked: 'the linked container' };
  return `${words[member]} of ${networkLabel(network)}`;
}
