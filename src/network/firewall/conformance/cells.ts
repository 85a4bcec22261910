/**
 * What every firewall backend has to do with a packet, as data: who asks whom, by which address, and who answers, with the
 * reason. `cells.root.test.ts` asks, over IPv4 and IPv6, TCP and UDP, with the userland proxy and without.
 */

import type { Protocol } from '../../../base/ports.ts';
import type { Cell, Expected, Outcome, Way } from './cell.ts';
import type { Family, NetworkName, PortKind, Who } from './layout.ts';

const BOTH = { families: ['v4', 'v6'] as readonly Family[] };
const V4 = { families: ['v4'] as readonly Family[] };
const V6 = { families: ['v6'] as readonly Family[] };
const BRIDGED = { bridged: true };
/** Where a refusal is all that is asked for: of UDP it is silence, which takes time and says less. */
const TCP = { protos: ['tcp'] as readonly Protocol[] };
type Options = {
  readonly families?: readonly Family[];
  readonly protos?: readonly Protocol[];
  readonly bridged?: boolean;
};

const ALL: readonly PortKind[] = ['published', 'exposed', 'unpublished', 'loopback'];
const CLOSED: readonly PortKind[] = ['exposed', 'unpublished', 'loopback'];
/** Served by the proxy where it runs; without it by the kernel, and then the server sees … */
const proxyOr = (kernel: Outcome): Expected => ({ proxy: 'proxy', kernel });

/** Containers and stations ask servers. */
function ask(
  from: Who | readonly Who[],
  network: NetworkName,
  way: Way,
  ports: PortKind | readonly PortKind[],
  expected: Expected,
  why: string,
  options: Options = BOTH,
): Cell[] {
  return [from]
    .flat()
    .flatMap((who) =>
      [ports].flat().flatMap((port) => each(who, { network }, way, port, expected, why, options)),
    );
}

/** Containers ask stations that are none. */
function askOutside(
  from: Who | readonly Who[],
  station: 'world' | 'lan' | 'host',
  expected: Expected,
  why: string,
  way: Way = 'direct',
): Cell[] {
  return [from].flat().flatMap((who) => each(who, { station }, way, 'service', expected, why, BOTH));
}

function each(
  from: Who,
  to: Cell['to'],
  way: Way,
  port: Cell['port'],
  expected: Expected,
  why: string,
  { families = ['v4', 'v6'], protos = ['tcp', 'udp'], bridged = false }: Options,
): Cell[] {
  return families.flatMap((family) =>
    protos.map((proto) => ({
      from,
      to,
      way,
      port,
      family,
      proto,
      expected,
      why,
      ...(bridged ? { bridged } : {}),
    })),
  );
}

const OUTSIDE = ['world', 'lan'] as const;

export const CELLS: readonly Cell[] = [
  // A published port, from outside.
  ...(['nat', 'noicc', 'open', 'trusting'] as const).flatMap((network) => [
    ...ask(
      OUTSIDE,
      network,
      'host',
      'published',
      'itself',
      'a published port is open to whoever reaches the host',
    ),
    ...ask(OUTSIDE, network, 'host', ['exposed', 'unpublished'], 'refused', 'nothing is published there'),
    ...ask(OUTSIDE, network, 'host', 'loopback', 'refused', 'it is published for the host itself only'),
  ]),
  ...ask(OUTSIDE, 'routed', 'host', ALL, 'refused', 'a routed network uses no port of the host'),
  ...ask(OUTSIDE, 'internal', 'host', ALL, 'refused', 'an internal network publishes nothing'),

  // A container's own address, from a neighbour that has a route.
  ...(['nat', 'noicc'] as const).flatMap((network) =>
    ask('lan', network, 'direct', ALL, 'silence', 'nobody gets in by the own address, published or not'),
  ),
  ...ask('lan', 'trusting', 'direct', 'published', 'itself', 'it comes from an interface that is trusted'),
  ...ask('lan', 'trusting', 'direct', CLOSED, 'silence', 'trust is for what is published to everyone'),
  ...ask('lan', 'open', 'direct', ALL, 'itself', 'an unprotected network lets everybody in'),
  ...ask('lan', 'routed', 'direct', 'published', 'itself', 'a routed network is addressed directly'),
  ...ask('lan', 'routed', 'direct', CLOSED, 'silence', 'what is not published stays closed when routed too'),
  ...(['internal', 'isolated'] as const).flatMap((network) =>
    ask('lan', network, 'direct', ALL, 'silence', 'nothing enters a closed network'),
  ),

  // The host itself.
  ...(['nat', 'noicc', 'open', 'trusting'] as const).flatMap((network) => [
    ...ask(
      'host',
      network,
      'host',
      'published',
      { proxy: 'host', kernel: 'gateway' },
      'the host reaches its own published port; without the proxy all that the host sends is masqueraded',
    ),
    ...ask('host', network, 'host', 'loopback', 'refused', 'it is bound to another address'),
    ...ask(
      'host',
      network,
      'loopback',
      ['published', 'loopback'],
      proxyOr('gateway'),
      'by loopback too: route_localnet and masquerading take the place of the proxy',
      V4,
    ),
    ...ask(
      'host',
      network,
      'loopback',
      ['published', 'loopback'],
      'proxy',
      'IPv6 has no route_localnet: whoever holds the port answers, and that is the proxy, or a reset at once',
      V6,
    ),
  ]),
  ...(['nat', 'noicc', 'routed', 'open', 'internal', 'trusting'] as const).flatMap((network) =>
    ask('host', network, 'direct', ALL, 'gateway', 'the host reaches all of its containers'),
  ),

  // On one bridge.
  ...(['nat', 'routed', 'open', 'internal', 'isolated', 'trusting'] as const).flatMap((network) =>
    ask(`${network}.sibling`, network, 'direct', ALL, 'itself', 'containers of one network reach each other'),
  ),
  ...ask('noicc.sibling', 'noicc', 'direct', ALL, 'silence', 'icc is off', BRIDGED),
  ...ask(
    'noicc.linked',
    'noicc',
    'direct',
    ['published', 'exposed'],
    'itself',
    'a link opens what the server exposes',
    V4,
  ),
  ...ask(
    'noicc.linked',
    'noicc',
    'direct',
    ['unpublished', 'loopback'],
    'silence',
    'a link opens nothing else',
    { ...V4, ...BRIDGED },
  ),
  ...ask('noicc.linked', 'noicc', 'direct', ALL, 'silence', 'a link is IPv4 only, as in Docker', {
    ...V6,
    ...BRIDGED,
  }),

  // A published port, from the same bridge and from the container itself; icc off forbids none of it.
  ...(['nat', 'open', 'noicc', 'trusting'] as const).flatMap((network) => [
    ...ask(
      `${network}.sibling`,
      network,
      'host',
      'published',
      proxyOr('itself'),
      'translated on the way through the host, and back by br_netfilter',
      BRIDGED,
    ),
    ...ask(
      `${network}.sibling`,
      network,
      'gateway',
      'published',
      proxyOr('itself'),
      'every address of the host will do',
      BRIDGED,
    ),
    ...ask(
      `${network}.server`,
      network,
      'host',
      'published',
      proxyOr('gateway'),
      'hairpin: a container reaches its own published port',
    ),
    ...ask(
      [`${network}.sibling`, `${network}.server`],
      network,
      'host',
      'loopback',
      'refused',
      'it is published for the host itself only',
    ),
  ]),

  // From other networks.
  ...(['nat', 'noicc', 'trusting'] as const).flatMap((network) => [
    ...ask(
      ['other.sibling', 'routed.sibling', 'open.sibling', 'internal.sibling', 'isolated.sibling'],
      network,
      'direct',
      ALL,
      'silence',
      'networks do not reach each other',
    ),
    ...ask(
      ['other.sibling', 'open.sibling'],
      network,
      'host',
      'published',
      proxyOr('gateway'),
      'a published port is open to other networks; without the proxy their own network masquerades them',
    ),
    ...ask(
      'other.sibling',
      network,
      'gateway',
      'published',
      proxyOr('gateway'),
      'every address of the host will do',
    ),
    ...ask(
      'routed.sibling',
      network,
      'host',
      'published',
      proxyOr('itself'),
      'a published port is open to a routed network, which is not masqueraded',
    ),
    ...ask(
      ['internal.sibling', 'isolated.sibling'],
      network,
      'host',
      'published',
      'silence',
      'a closed network has no way out, not by a published port either',
    ),
    ...ask(
      'internal.sibling',
      network,
      'gateway',
      'published',
      'silence',
      'an internal network has no way out, not by a published port either',
    ),
    ...ask(
      ['other.sibling', 'routed.sibling', 'open.sibling'],
      network,
      'host',
      'loopback',
      'refused',
      'it is published for the host itself only',
    ),
  ]),
  ...ask(
    ['nat.sibling', 'noicc.sibling', 'open.sibling'],
    'routed',
    'direct',
    'published',
    'gateway',
    'what a routed network publishes is open to other networks, which masquerade',
  ),
  ...ask(
    ['nat.sibling', 'noicc.sibling', 'open.sibling'],
    'routed',
    'direct',
    CLOSED,
    'silence',
    'what is not published stays closed to other networks',
  ),
  ...ask(
    ['nat.sibling', 'noicc.sibling'],
    'open',
    'direct',
    ALL,
    'gateway',
    'an unprotected network lets other networks in, which masquerade',
  ),
  ...ask('routed.sibling', 'open', 'direct', ALL, 'itself', 'an unprotected network lets other networks in'),
  ...ask(
    ['nat.sibling', 'noicc.sibling'],
    'open',
    'host',
    'published',
    proxyOr('gateway'),
    'a published port is open to other networks; without the proxy their own network masquerades them',
  ),
  ...ask(
    'routed.sibling',
    'open',
    'host',
    'published',
    proxyOr('itself'),
    'a published port is open to a routed network, which is not masqueraded',
  ),
  ...ask(
    ['nat.sibling', 'routed.sibling', 'routed.server'],
    'routed',
    'host',
    ALL,
    'refused',
    'a routed network uses no port of the host',
  ),
  ...(['routed', 'open'] as const).flatMap((network) =>
    ask(
      ['internal.sibling', 'isolated.sibling'],
      network,
      'direct',
      ALL,
      'silence',
      'nothing leaves a closed network, wherever it may be let in',
    ),
  ),
  ...(['internal', 'isolated'] as const).flatMap((network) =>
    ask(
      ['nat.sibling', 'routed.sibling', 'open.sibling'],
      network,
      'direct',
      ALL,
      'silence',
      'nothing enters a closed network',
    ),
  ),

  // Ports of the host that nobody has, from inside.
  ...(['nat', 'noicc', 'open', 'trusting'] as const).flatMap((network) => {
    const other = network === 'nat' ? 'other.sibling' : 'nat.sibling';
    const inside: readonly Who[] = [`${network}.sibling`, other];
    return [
      ...ask(
        ['host', `${network}.server`, ...inside],
        network,
        'host',
        ['exposed', 'unpublished'],
        'refused',
        'nothing is published there',
        TCP,
      ),
      ...ask(
        'host',
        network,
        'loopback',
        ['exposed', 'unpublished'],
        'refused',
        'nothing is published there',
        TCP,
      ),
      ...ask(
        inside,
        network,
        'gateway',
        ['exposed', 'unpublished'],
        'refused',
        'nothing is published there',
        TCP,
      ),
      ...ask(
        inside,
        network,
        'gateway',
        'loopback',
        'refused',
        'it is published for the host itself only',
        TCP,
      ),
    ];
  }),
  ...(['noicc', 'routed'] as const).flatMap((network) =>
    ask(
      `${network}.sibling`,
      'open',
      'host',
      'loopback',
      'refused',
      'it is published for the host itself only',
      TCP,
    ),
  ),
  ...ask(
    ['nat.sibling', 'noicc.sibling'],
    'open',
    'gateway',
    'published',
    proxyOr('gateway'),
    'every address of the host will do',
  ),
  ...(['routed', 'internal', 'isolated'] as const).flatMap((network) => [
    ...ask('host', network, 'host', ALL, 'refused', 'nothing is published there', TCP),
    ...ask('host', network, 'loopback', ALL, 'refused', 'nothing is published there', TCP),
    ...ask('nat.sibling', network, 'gateway', ALL, 'refused', 'nothing is published there', TCP),
  ]),
  ...(['internal', 'isolated'] as const).flatMap((network) =>
    ask(
      [`${network}.sibling`, 'nat.sibling'],
      network,
      'host',
      ALL,
      'refused',
      'a closed network publishes nothing',
      TCP,
    ),
  ),
  ...(['internal', 'isolated'] as const).flatMap((network) =>
    ask(`${network}.server`, network, 'host', ALL, 'refused', 'a closed network publishes nothing', TCP),
  ),
  ...(['routed', 'internal'] as const).flatMap((network) =>
    ask(`${network}.sibling`, network, 'gateway', ALL, 'refused', 'nothing is published there', TCP),
  ),
  ...ask(OUTSIDE, 'isolated', 'host', ALL, 'refused', 'a closed network publishes nothing', TCP),

  // Out into the world, and to the host.
  ...askOutside(
    ['nat.server', 'nat.sibling', 'noicc.server', 'open.server', 'trusting.server'],
    'lan',
    'host',
    'containers reach the world, masqueraded',
  ),
  ...askOutside(
    ['nat.server', 'noicc.server', 'open.server'],
    'world',
    'host',
    'containers reach the world, masqueraded',
  ),
  ...askOutside('routed.server', 'lan', 'itself', 'a routed network keeps its addresses'),
  ...askOutside(['internal.server', 'isolated.server'], 'lan', 'silence', 'nothing leaves a closed network'),
  ...askOutside(
    ['internal.server', 'isolated.server'],
    'world',
    'silence',
    'nothing leaves a closed network',
  ),
  ...askOutside(
    ['nat.server', 'noicc.server', 'routed.server', 'open.server', 'internal.server'],
    'host',
    'itself',
    "what runs on the host is the host's to protect",
    'gateway',
  ),
];

/** The same cells where the kernel serves 127.0.0.0/8 beside a userland proxy (`localhostByKernel`). */
export function withLocalhostByKernel(cells: readonly Cell[]): Cell[] {
  return cells.map((cell) =>
    cell.way === 'loopback' && cell.family === 'v4' && cell.expected !== 'refused'
      ? { ...cell, expected: 'gateway', why: 'the kernel serves it, from an address of the bridge' }
      : cell,
  );
}
