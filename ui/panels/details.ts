/** What is known of the chosen thing. */

import type {
  FlowLine,
  MapEndpoint,
  NetworkMap,
  PortExposure,
  RulesReport,
} from '../../src/base/wire/index.ts';
import type { Answer } from '../answers.ts';
import { facts, h } from '../dom.ts';
import type { Messages } from '../i18n/en.ts';
import { containerId, nameOf, networkId, type Thing } from '../model/things.ts';
import { type Rate, speed } from '../model/traffic.ts';
import { flowsOf } from './flows.ts';
import { labelOf } from './list.ts';
import { portFacts } from './ports.ts';
import { ruleOf, rulesOwnedBy } from './rules.ts';
import { thingButton } from './thing-button.ts';
import { unready } from './unready.ts';

export interface DetailsOptions {
  map: NetworkMap;
  words: Messages;
  /** The name of what was chosen before, when it has been removed. */
  gone: string | undefined;
  rates: ReadonlyMap<string, Rate>;
  /** Asked for by what shows them: an answer costs the daemon something. */
  exposure: () => Answer<PortExposure[]>;
  rules: () => Answer<RulesReport>;
  /** Of a container. */
  flows: (name: string) => Answer<FlowLine[]>;
  choose: (id: string) => void;
  ask: (end: 'from' | 'to', name: string) => void;
  show: (id: string) => void;
}

export function detailsOf(thing: Thing | undefined, options: DetailsOptions): Node[] {
  const { words, gone } = options;
  if (thing === undefined) {
    const last = gone === undefined ? [] : [h('p', { role: 'status' }, words.gone(gone))];
    return [...last, h('p', { class: 'quiet' }, words.chooseSomething)];
  }
  return [heading(thing, options), actions(thing, options), ...body(thing, options)];
}

function heading(thing: Thing, { map, words }: DetailsOptions): HTMLElement {
  const name = thing.kind === 'host' ? (map.host.name ?? words.host) : labelOf(thing, words);
  const kind = {
    world: undefined,
    host: words.host,
    wall: undefined,
    nic: words.nic,
    network: words.network,
    container: words.container,
  }[thing.kind];
  const state = thing.kind === 'container' ? thing.container.state : undefined;
  return h(
    'div',
    {},
    h('h2', {}, state !== undefined && h('span', { class: `dot ${state}` }), name),
    kind !== undefined && h('p', { class: 'quiet' }, kind),
  );
}

function body(thing: Thing, options: DetailsOptions): Node[] {
  const { map, words } = options;
  switch (thing.kind) {
    case 'world':
      return [h('p', {}, words.worldText)];
    case 'host':
      return [
        facts(
          [words.nic, map.host.interfaces.map(({ name, addresses }) => `${name}  ${addresses.join('  ')}`)],
          ...firewallFacts(map, words),
        ),
      ];
    case 'wall':
      return [h('p', {}, words.wallText), facts(...firewallFacts(map, words))];
    case 'nic':
      return nicDetails(thing, options);
    case 'network':
      return networkDetails(thing, options);
    case 'container':
      return containerDetails(thing, options);
  }
}

function firewallFacts({ host }: NetworkMap, words: Messages): Array<[string, string | undefined]> {
  const { ipForward, firewall } = host;
  return [
    [words.forwarding, ipForward === undefined ? undefined : ipForward ? words.on : words.off],
    [words.compiledBy, firewall === 'none' ? words.noRules : firewall],
  ];
}

function nicDetails({ nic }: Extract<Thing, { kind: 'nic' }>, { words, rates }: DetailsOptions): Node[] {
  const { defaultRoute: way } = nic;
  return [
    facts(
      [words.addresses, nic.addresses.length > 0 ? mono(nic.addresses) : words.noAddress],
      [words.mac, nic.mac],
      [words.mtu, nic.mtu],
      [words.linkState, linkState(nic.up, words)],
      [words.defaultRoute, way && (way.gateway === undefined ? words.yes : words.via(way.gateway))],
      [words.rate, rateText(rates.get(nic.name), words, false)],
    ),
  ];
}

function networkDetails(thing: Extract<Thing, { kind: 'network' }>, options: DetailsOptions): Node[] {
  const { words, rates, choose } = options;
  const { network, members } = thing;
  const { bridge } = network;
  const flag = (value: boolean | undefined) =>
    value === undefined ? undefined : value ? words.yes : words.no;
  return [
    facts(
      [words.driver, network.driver],
      [words.bridge, bridge && `${bridge.name}  ${bridge.addresses.join('  ')}`],
      [words.parent, network.parent],
      [words.linkState, bridge && linkState(bridge.up, words)],
      [words.mac, bridge?.mac],
      [words.mtu, bridge?.mtu],
      [
        words.subnets,
        network.subnets.map(({ subnet, gateway }) =>
          gateway === undefined ? subnet : `${subnet}  ${words.gatewayIs(gateway)}`,
        ),
      ],
      [words.icc, flag(network.icc)],
      [words.masquerade, network.internal ? undefined : flag(network.masquerade)],
      [words.outside, bridge && (network.internal ? words.no : words.yes)],
      [words.rate, bridge && rateText(rates.get(bridge.name), words, true)],
      [words.options, Object.entries(network.options).map(([key, value]) => mono([`${key}=${value}`])[0])],
      [words.id, mono([network.id.slice(0, 12)])[0]],
    ),
    h('h3', {}, `${words.members} (${members.length})`),
    h(
      'table',
      {},
      h(
        'tbody',
        {},
        ...members.map((endpoint) =>
          h(
            'tr',
            {},
            h('td', {}, thingButton(containerId(endpoint.container.id), endpoint.container.name, choose)),
            h('td', { class: 'mono' }, endpoint.addresses[0] ?? ''),
          ),
        ),
      ),
    ),
    rulesOf(network.id, options),
  ];
}

/** The firewall's rules that a container or a network owns. */
function rulesOf(id: string, { rules: ask, words }: DetailsOptions): Node {
  const rules = ask();
  if (rules.state !== 'ready') return h('section', {}, ...unready(rules, words, words.whatRules));
  const owned = rulesOwnedBy(rules.value, id);
  return h(
    'details',
    { 'data-key': `rules-${id}` },
    h('summary', {}, `${words.rulesOf} (${owned.length})`),
    h('ol', { class: 'rules' }, ...owned.map((rule) => ruleOf(rule, words))),
  );
}

function containerDetails(thing: Extract<Thing, { kind: 'container' }>, options: DetailsOptions): Node[] {
  const { words } = options;
  const { container, endpoints } = thing;
  const published = endpoints.filter((endpoint) => endpoint.ports.length > 0);
  const ports = published.flatMap((endpoint) => portFacts(endpoint, options.exposure(), words));
  return [
    facts(
      [words.state, words.states[container.state] ?? container.state],
      [words.image, container.image],
      [words.pid, container.pid],
      [words.publishedPorts, ports.length > 0 ? ports : words.nonePublished],
      [words.exposed, mono(endpoints.flatMap(({ exposed }) => exposed ?? []))],
      [
        words.links,
        endpoints.flatMap(({ links }) => links.map(({ to, alias }) => words.linkLine(to, alias))),
      ],
      [words.sharedBy, endpoints.flatMap(({ sharedBy }) => (sharedBy ?? []).map(({ name }) => name))],
      [words.id, mono([container.id.slice(0, 12)])[0]],
    ),
    ...endpoints.map((endpoint) => endpointDetails(endpoint, options)),
    rulesOf(container.id, options),
    ...(container.pid === undefined ? [] : [flowsOf(options.flows(container.name), words)]),
  ];
}

function endpointDetails(endpoint: MapEndpoint, { map, words, rates, choose }: DetailsOptions): Node {
  const network = map.networks.find(({ id }) => id === endpoint.networkId);
  const { hostVeth, inside } = endpoint;
  const wire =
    hostVeth === undefined
      ? undefined
      : `${inside?.name ?? '?'} #${inside?.index ?? '?'} ══ ${hostVeth.name} #${hostVeth.index ?? '?'}`;
  const names = endpoint.names ?? [];
  const rate = hostVeth && rates.get(hostVeth.name);
  return h(
    'section',
    {},
    h('h3', {}, words.interfaceOn(inside?.name ?? '–', network?.name ?? '?')),
    facts(
      [
        words.network,
        thingButton(networkId(endpoint.networkId), network?.name ?? endpoint.networkId, choose),
      ],
      [words.addresses, endpoint.addresses.length > 0 ? mono(endpoint.addresses) : words.noAddress],
      [words.mac, endpoint.mac && mono([endpoint.mac])[0]],
      [words.wire, wire && mono([wire])[0]],
      [words.dnsNames, names.length > 0 ? mono(names) : hostVeth && words.noDnsNames],
      [words.rate, rate && rateText(rate, words, true)],
    ),
  );
}

/** `inward`: the counters are those of the host's end, which receives what the thing sends. */
function rateText(rate: Rate | undefined, words: Messages, inward: boolean): string | undefined {
  if (rate === undefined) return undefined;
  const [sent, received] = inward ? [rate.rxBytes, rate.txBytes] : [rate.txBytes, rate.rxBytes];
  const parts = [
    ...(speed(sent) ? [`${words.sent} ${speed(sent)}`] : []),
    ...(speed(received) ? [`${words.received} ${speed(received)}`] : []),
    ...(rate.dropped > 0 ? [words.dropped(rate.dropped)] : []),
  ];
  return parts.length > 0 ? parts.join(' · ') : words.quiet;
}

function actions(thing: Thing, { words, ask, show }: DetailsOptions): Node {
  const name = nameOf(thing);
  const button = (key: string, label: string, onclick: () => void) =>
    h('button', { type: 'button', 'data-key': key, onclick }, label);
  return h(
    'div',
    { class: 'actions' },
    name !== undefined && thing.kind !== 'nic' && button('from', words.fromHere, () => ask('from', name)),
    name !== undefined && thing.kind !== 'nic' && button('to', words.toHere, () => ask('to', name)),
    button('show', words.showInPicture, () => show(thing.id)),
  );
}

const linkState = (up: boolean | undefined, words: Messages) =>
  up === undefined ? undefined : up ? words.up : words.down;

const mono = (lines: readonly string[]) => lines.map((line) => h('span', { class: 'mono' }, line));
