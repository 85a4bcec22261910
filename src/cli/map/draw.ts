import { bracketed } from '../format/ports.ts';
import { drawBox } from './box.ts';
import { aligned, clip, type Line, lineWidth, padded, rendered, span } from './line.ts';
import type { MapEndpoint, MapInterface, MapNetwork, MapPort, NetworkMap } from './model.ts';
import { mirrored, type Rates, rateText } from './rates.ts';

/** How the picture is drawn. */
export interface DrawOptions {
  /** Columns; nothing is wider. */
  width: number;
  /** Add escape sequences for colour. */
  color: boolean;
  /** Draw stopped containers and networks without containers too. */
  all: boolean;
  /** Draw what goes over the links now. */
  rates?: Rates;
}

const NO_RATES: Rates = new Map();

/** Column of the wire that comes from the world and passes every bridge. */
const TRUNK = 4;

/** Column, from a bridge's left edge, of the wire its containers hang on. */
const BRANCH = 3;

/** Least width of a container's box beside its wire; below it, boxes go under their wires. */
const BESIDE = 34;

/**
 * Draws the way of a packet from the world to every container: the host's interfaces, each network's bridge, each veth
 * pair, and at its end the container with its addresses, published ports and links. Ends with a line that counts.
 */
export function drawMap(map: NetworkMap, options: DrawOptions): string {
  const shown = map.endpoints.filter(({ container }) => options.all || isUp(container.state));
  const networks = map.networks
    .map((network) => ({ network, endpoints: shown.filter(({ networkId }) => networkId === network.id) }))
    .filter(
      ({ network, endpoints }, index) =>
        options.all || endpoints.length > 0 || (index === 0 && isBridge(network)),
    );
  const width = Math.max(40, options.width);
  const rates = options.rates ?? NO_RATES;
  const lines: Line[] = [...drawWorld(map, width, rates)];
  for (const [index, { network, endpoints }] of networks.entries()) {
    const last = index === networks.length - 1;
    lines.push([...indent(TRUNK), span('│', 'wire')]);
    lines.push(...hangOn(drawNetwork(map, network, endpoints, width - TRUNK - 3, rates), last, network));
  }
  lines.push([], ...summary(map, shown, networks.length));
  return `${lines.map((line) => rendered(clip(line, width), options.color)).join('\n')}\n`;
}

function drawWorld({ host }: NetworkMap, width: number, rates: Rates): Line[] {
  const rows = host.interfaces.map((nic) => [[span(nic.name, 'world')], ...interfaceCells(nic, rates)]);
  const note =
    host.note === undefined ? 'no interface leads out of it' : `its interfaces are not shown: ${host.note}`;
  const hidden = wrapped(note.split(' '), width - 4, ' ').map((line) => [span(line, 'dim')]);
  const way = host.interfaces.find((nic) => nic.defaultRoute)?.defaultRoute;
  const facts = [
    host.ipForward === undefined
      ? ''
      : `forwarding ${host.ipForward ? 'on' : 'OFF: containers cannot reach the world'}`,
    host.firewall === undefined
      ? ''
      : host.firewall === 'none'
        ? 'no firewall rules'
        : `rules by ${host.firewall}`,
  ].filter(Boolean);
  const trunk = (text: string): Line => [...indent(TRUNK), span('│', 'wire'), span(`   ${text}`, 'dim')];
  return [
    [span('  '), span('world', 'world')],
    trunk(way?.gateway ? `via ${way.gateway}` : ''),
    ...drawBox({
      title: [span('host', 'plain'), span(host.name ? ` ${host.name}` : '', 'world')],
      lines: rows.length > 0 ? aligned(rows) : hidden,
      role: 'wire',
      up: TRUNK,
      down: TRUNK,
      maxWidth: width,
      minWidth: 40,
    }),
    ...(facts.length > 0 ? [trunk(facts.join(' · '))] : []),
  ];
}

/** Cells that describe an interface: addresses, MAC, MTU and state. */
function interfaceCells(nic: MapInterface, rates: Rates): Line[] {
  const state = nic.up === undefined ? '' : nic.up ? 'up' : 'DOWN';
  const mtu = nic.mtu === undefined ? '' : `mtu ${nic.mtu}`;
  return [
    [span(nic.addresses.join(' ') || 'no address')],
    [span(nic.mac ?? '', 'dim')],
    [span([mtu, state].filter(Boolean).join(' · '), 'dim')],
    ...rateLine(nic.index, rates, false),
  ];
}

/** What goes over a link now; nothing when that is not known. `inside`: as its other end sees it. */
function rateLine(index: number | undefined, rates: Rates, inside: boolean): Line[] {
  const rate = index === undefined ? undefined : rates.get(index);
  if (rate === undefined) return [];
  const isIdle = rate.received === 0 && rate.sent === 0;
  return [[span(rateText(inside ? mirrored(rate) : rate), isIdle ? 'dim' : 'plain')]];
}

/** A network: its bridge, and below it the containers on their wires. */
function drawNetwork(
  map: NetworkMap,
  network: MapNetwork,
  endpoints: MapEndpoint[],
  width: number,
  rates: Rates,
): Line[] {
  const { bridge } = network;
  const title: Line = bridge
    ? [span(bridge.name, 'bridge'), span(` · network ${network.name}`)]
    : [span(network.name, 'bridge'), span(' network')];
  const lines = bridge ? aligned([interfaceCells(bridge, rates).filter((cell) => lineWidth(cell) > 0)]) : [];
  lines.push(...wrapped(networkNotes(network), width - 4).map((note) => [span(note, 'dim')]));
  if (endpoints.length === 0) lines.push([span('no container is connected', 'dim')]);
  const box = drawBox({
    title,
    lines,
    role: 'wire',
    left: true,
    ...(endpoints.length > 0 ? { down: BRANCH } : {}),
    maxWidth: width,
    minWidth: 40,
  });
  return [...box, ...drawEndpoints(map, endpoints, width, rates)];
}

function networkNotes(network: MapNetwork): string[] {
  if (network.driver === 'host') return ["containers use the host's own interfaces"];
  if (network.driver === 'null' || network.driver === 'none')
    return ['containers have a loopback interface only'];
  const onOff = (name: string, value: boolean | undefined) =>
    value === undefined ? '' : `${name} ${value ? 'on' : 'off'}`;
  return [
    network.parent === undefined ? '' : `on ${network.parent} of the host`,
    ...network.subnets.flatMap(({ subnet, gateway }) => [
      `subnet ${subnet}`,
      gateway ? `gateway ${gateway}` : '',
    ]),
    network.internal ? 'internal: no way out of the host' : '',
    onOff('icc', network.icc),
    network.internal ? '' : onOff('masquerade', network.masquerade),
  ].filter(Boolean);
}

/** Facts joined into lines no longer than `width`. */
function wrapped(facts: readonly string[], width: number, glue = ' · '): string[] {
  const lines: string[] = [];
  for (const fact of facts) {
    const joined = lines.length > 0 ? `${lines.at(-1)}${glue}${fact}` : '';
    if (joined !== '' && joined.length <= width) lines[lines.length - 1] = joined;
    else lines.push(fact);
  }
  return lines;
}

function drawEndpoints(map: NetworkMap, endpoints: MapEndpoint[], width: number, rates: Rates): Line[] {
  const wires = endpoints.map(wireLabel);
  const reach = Math.max(0, ...wires.map(lineWidth));
  const start = BRANCH + reach + (reach > 0 ? 5 : 4);
  const beside =
    width - start >= BESIDE && endpoints.every((endpoint) => boxWidth(map, endpoint, rates) <= width - start);
  return endpoints.flatMap((endpoint, index) => {
    const last = index === endpoints.length - 1;
    const wire = wires[index]!;
    const dashes = isUp(endpoint.container.state) ? '─' : '┄';
    const joint = span((last ? '╰' : '├') + dashes, 'wire');
    // Without a veth there is nothing to name: the wire goes through.
    const label = lineWidth(wire) > 0 ? [span(' '), ...wire, span(' ')] : [];
    const through = [...indent(BRANCH), span('│', 'wire')];
    const below = last ? indent(BRANCH + 1) : through;
    const room = beside ? width - start : width - BRANCH - 5;
    const box = containerBox(map, endpoint, room, beside, rates);
    if (!beside) {
      const head = [...indent(BRANCH), joint, ...label];
      return [through, head, ...box.map((line) => [...below, span('    '), ...line])];
    }
    const gap = span(dashes.repeat(start - BRANCH - 2 - lineWidth(label)), 'wire');
    const [top, first, ...rest] = box;
    const beforeBox = (line: Line, prefix: Line) => [...padded(prefix, start), ...line];
    return [
      beforeBox(top!, through),
      [...indent(BRANCH), joint, ...label, gap, ...first!],
      ...rest.map((line) => beforeBox(line, below)),
    ];
  });
}

/** `veth3f2a1c0 #7 ══ #6 eth0`: both ends of the pair with the kernel's numbers. */
function wireLabel({ hostVeth, inside, container }: MapEndpoint): Line {
  const number = (index: number | undefined) => (index === undefined ? '' : `#${index}`);
  if (!isUp(container.state)) return [];
  if (hostVeth) {
    const left = [span(hostVeth.name, 'bridge'), span(` ${number(hostVeth.index)}`.trimEnd(), 'dim')];
    const right = span(` ${number(inside?.index)}`.trimEnd(), 'dim');
    return [...left, span(' ══', 'wire'), right, span(inside ? ` ${inside.name}` : '')];
  }
  return inside ? [span(inside.name)] : [];
}

function boxWidth(map: NetworkMap, endpoint: MapEndpoint, rates: Rates): number {
  return lineWidth(containerBox(map, endpoint, Number.POSITIVE_INFINITY, true, rates)[0]!);
}

function containerBox(
  map: NetworkMap,
  endpoint: MapEndpoint,
  maxWidth: number,
  left: boolean,
  rates: Rates,
): Line[] {
  const { container } = endpoint;
  const up = isUp(container.state);
  const role = up ? 'running' : 'stopped';
  const title: Line = [
    span(up ? '● ' : '○ ', role),
    span(container.name, role),
    span(container.image ? ` · ${container.image}` : '', 'dim'),
    span(container.state === 'running' ? '' : ` · ${container.state}`, 'dim'),
  ];
  const lines: Line[] = [];
  if (endpoint.addresses.length > 0) {
    lines.push([span(endpoint.addresses.join(' ')), span(endpoint.mac ? `   ${endpoint.mac}` : '', 'dim')]);
  }
  lines.push(...rateLine(endpoint.hostVeth?.index, rates, true));
  lines.push(...portLines(endpoint.ports, up));
  if (endpoint.exposed?.length) {
    lines.push([span(`${endpoint.exposed.join(' ')} exposed, not published`, 'dim')]);
  }
  for (const { name } of endpoint.sharedBy?.filter(({ state }) => isUp(state)) ?? []) {
    lines.push([span(`● ${name}`, role), span(' uses this network too', 'dim')]);
  }
  for (const { to, alias } of endpoint.links) {
    const target = map.endpoints.find(
      (other) => other.container.name === to && other.networkId === endpoint.networkId,
    );
    const address = target?.addresses[0]?.split('/')[0];
    const name = alias === to ? '' : ` as ${alias}`;
    lines.push([span(`link ─▶ ${to}${name}`, 'link'), span(address ? ` (${address})` : '', 'dim')]);
  }
  if (lines.length === 0) {
    const driver = map.networks.find(({ id }) => id === endpoint.networkId)?.driver;
    const addresses = driver === 'host' ? "the host's addresses" : 'no address';
    lines.push([span(up ? addresses : 'not connected to anything', 'dim')]);
  }
  return drawBox({ title, lines, role: up ? 'running' : 'stopped', left, maxWidth });
}

/** `0.0.0.0:8080 ─▶ 80/tcp   kernel + proxy`, the arrows under each other. */
function portLines(ports: readonly MapPort[], up: boolean): Line[] {
  const served = { kernel: 'kernel', proxy: 'proxy', both: 'kernel + proxy' };
  const rows = ports.map((port) => {
    const count = (port.hostPortEnd ?? port.hostPort) - port.hostPort;
    const range = (first: number) => (count > 0 ? `${first}-${first + count}` : String(first));
    // Routed: met under the container's own address.
    const outside = port.hostPort === 0 ? 'routed' : `${bracketed(port.hostIp)}:${range(port.hostPort)}`;
    const inside = `─▶ ${range(port.containerPort)}/${port.proto}`;
    const role = up ? 'port' : 'dim';
    return [
      [span(outside, role)],
      [span(inside, role)],
      [span(port.servedBy ? `  ${served[port.servedBy]}` : '', 'dim')],
    ];
  });
  return aligned(rows, 1);
}

/** Hangs a network's drawing on the trunk: its first line beside it, the rest along it. */
function hangOn(drawing: Line[], last: boolean, network: MapNetwork): Line[] {
  // A network with no way to the world does not hang on the wire that leads there.
  const cut = network.internal || network.driver === 'null' || network.driver === 'none';
  const dash = cut ? '┄' : '─';
  return drawing.map((line, index) => {
    if (index === 1) return [...indent(TRUNK), span((last ? '╰' : '├') + dash.repeat(2), 'wire'), ...line];
    const along = last && index > 1 ? span(' ') : span('│', 'wire');
    return [...indent(TRUNK), along, span('  '), ...line];
  });
}

function summary(map: NetworkMap, shown: MapEndpoint[], networks: number): Line[] {
  const count = (number: number, noun: string) => `${number} ${noun}${number === 1 ? '' : 's'}`;
  const containers = new Set(
    shown.flatMap(({ container, sharedBy = [] }) => [container, ...sharedBy]).map(({ id }) => id),
  );
  const ports = shown.flatMap((endpoint) => endpoint.ports);
  const published = new Set(ports.map((port) => `${port.hostPort}-${port.hostPortEnd ?? ''}/${port.proto}`))
    .size;
  const stopped = new Set(
    map.endpoints.filter(({ container }) => !isUp(container.state)).map(({ container }) => container.id),
  ).size;
  const hidden = stopped > 0 && shown.every(({ container }) => isUp(container.state));
  const parts = [
    `${count(containers.size, 'container')} on ${count(networks, 'network')}`,
    `${count(published, 'published port')}`,
    ...(hidden ? [`${stopped} stopped (--all shows them)`] : []),
  ];
  return [[span(parts.join(' · '), 'dim')]];
}

const isUp = (state: string) => ['running', 'paused', 'restarting'].includes(state);
const isBridge = (network: MapNetwork) => network.bridge !== undefined;
const indent = (columns: number): Line => [span(' '.repeat(columns))];
