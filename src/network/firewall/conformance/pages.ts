/** The scenarios that docs/rules explains, as data: each is a part of the conformance world, small enough to be read. */

import type { Protocol } from '../../../base/ports.ts';
import type { FirewallIntent } from '../intent.ts';
import type { Cell } from './cell.ts';
import { CELLS, withLocalhostByKernel } from './cells.ts';
import {
  conformanceIntent,
  type Family,
  type IntentSelection,
  type NetworkName,
  splitContainer,
} from './layout.ts';

export interface RulesPage extends IntentSelection {
  /** Name of the file, without its ending. */
  readonly file: string;
  readonly title: string;
  /** What is set up and what it shows; a paragraph each. */
  readonly about: readonly string[];
  /** What a person types for it. */
  readonly commands: readonly string[];
  /** Default true. */
  readonly userlandProxy?: boolean;
}

const TCP: readonly Protocol[] = ['tcp'];
const V4: readonly Family[] = ['v4'];
const defaults = { families: V4, protos: TCP, published: ['published'] } as const;
const BRIDGE = 'com.docker.network.bridge';

export const RULES_PAGES: readonly RulesPage[] = [
  {
    ...defaults,
    file: 'default-bridge',
    title: 'The default bridge, with a published port',
    networks: ['nat'],
    about: [
      "One container publishes port 80 as port 8017 of every address of the host. Whoever reaches the host reaches the port; nobody gets in by the container's own address, not even a neighbour that has a route to it.",
    ],
    commands: ['docker run -d -p 8017:80 --expose 81 IMAGE', 'docker run -d IMAGE'],
  },
  {
    ...defaults,
    file: 'loopback',
    title: 'A port that is published on 127.0.0.1',
    networks: ['nat'],
    published: ['loopback'],
    about: [
      "The port is for the host itself, and the kernel serves it: what the host sends to 127.0.0.1 is translated, and leaves by the bridge with an address of it. The rules in table raw drop what a neighbour could send to the host's hardware address for 127.0.0.1, or in its name.",
    ],
    commands: ['docker run -d -p 127.0.0.1:9017:83 IMAGE'],
  },
  {
    ...defaults,
    file: 'icc-off',
    title: 'Containers that do not reach each other, and a link',
    networks: ['noicc'],
    about: [
      'On a bridge with `icc` off only what is linked talks: the link opens exactly the ports that the server exposes. Packets between two ports of one bridge meet these rules because the daemon turns on `net.bridge.bridge-nf-call-iptables`.',
    ],
    commands: [
      'bridgeportd --icc=false',
      'docker run -d --name server -p 8019:80 --expose 81 IMAGE',
      'docker run -d --link server IMAGE',
      'docker run -d IMAGE',
    ],
  },
  {
    ...defaults,
    file: 'two-networks',
    title: 'Two networks',
    networks: ['nat', 'other'],
    about: [
      "Networks do not reach each other. What is published is open to the other network as to everyone: by the host's address, through the userland proxy.",
    ],
    commands: [
      'docker network create other',
      'docker run -d -p 8017:80 IMAGE',
      'docker run -d --network other IMAGE',
    ],
  },
  {
    ...defaults,
    file: 'internal',
    title: 'An internal network',
    networks: ['internal', 'nat'],
    about: ['No way out and no way in; the host itself is reached, by the address of the bridge.'],
    commands: [
      'docker network create --internal internal',
      'docker run -d --network internal -p 8022:80 IMAGE',
    ],
  },
  {
    ...defaults,
    file: 'isolated',
    title: 'Gateway mode `isolated`',
    networks: ['isolated', 'nat'],
    about: ['An internal network on whose bridge the host has no address either.'],
    commands: [
      `docker network create --internal -o ${BRIDGE}.gateway_mode_ipv4=isolated isolated`,
      'docker run -d --network isolated IMAGE',
    ],
  },
  {
    ...defaults,
    file: 'routed',
    title: 'Gateway mode `routed`',
    networks: ['routed', 'nat'],
    about: [
      'No address is translated. Containers are met under their own addresses, at the ports that they publish and at no other; neighbours need a route to the network.',
    ],
    commands: [
      `docker network create -o ${BRIDGE}.gateway_mode_ipv4=routed routed`,
      'docker run -d --network routed -p 80 IMAGE',
    ],
  },
  {
    ...defaults,
    file: 'nat-unprotected',
    title: 'Gateway mode `nat-unprotected`',
    networks: ['open', 'nat'],
    about: [
      'Ports are published as ever, and whoever has a route reaches every port of every container besides.',
    ],
    commands: [
      `docker network create -o ${BRIDGE}.gateway_mode_ipv4=nat-unprotected open`,
      'docker run -d --network open -p 8021:80 IMAGE',
    ],
  },
  {
    ...defaults,
    file: 'trusted-interface',
    title: 'A trusted interface of the host',
    networks: ['trusting'],
    about: [
      'Neighbours behind `eth0` may address published ports of containers directly; what is not published stays closed to them.',
    ],
    commands: [
      `docker network create -o ${BRIDGE}.trusted_host_interfaces=eth0 trusting`,
      'docker run -d --network trusting -p 8024:80 IMAGE',
    ],
  },
  {
    ...defaults,
    file: 'no-proxy',
    title: 'Without the userland proxy',
    networks: ['nat', 'noicc'],
    published: ['published', 'loopback'],
    userlandProxy: false,
    about: [
      "The kernel serves everything: `route_localnet` on the bridges lets it translate what the host sends to 127.0.0.1, masquerading gives such packets and a container's packets to itself an address that can be answered, and the rules in table raw keep everybody else away from 127.0.0.0/8.",
    ],
    commands: ['bridgeportd --userland-proxy=false', 'docker run -d -p 8017:80 -p 127.0.0.1:9017:83 IMAGE'],
  },
  {
    ...defaults,
    file: 'ipv6',
    title: 'IPv6 beside IPv4',
    networks: ['nat', 'other'],
    families: ['v4', 'v6'],
    about: [
      'Both families have the same rules, but for two things: clients with a link-local address are served by the userland proxy, since answers to them cannot be routed back through a translation; and ::1 needs no protection, since the kernel drops it before netfilter sees it.',
    ],
    commands: [
      'docker network create --ipv6 front',
      'docker network create --ipv6 other',
      'docker run -d --network front -p 8017:80 IMAGE',
    ],
  },
];

export function pageIntent(page: RulesPage): FirewallIntent {
  const userlandProxy = page.userlandProxy ?? true;
  return { ...conformanceIntent(userlandProxy, true, page), localhostByKernel: userlandProxy };
}

/** The cells that a page's part of the world answers. What is published is asked for, and what never is. */
export function pageCells(page: RulesPage): Cell[] {
  const has = (network: NetworkName) => page.networks.includes(network);
  const cells = page.userlandProxy === false ? CELLS : withLocalhostByKernel(CELLS);
  return cells.filter(({ from, to, port, family, proto }) => {
    if (!page.families.includes(family) || !page.protos.includes(proto)) return false;
    if (from.includes('.') && !has(splitContainer(from as never)[0])) return false;
    if ('network' in to && !has(to.network)) return false;
    if (port === 'published' || port === 'loopback') return page.published.includes(port);
    return true;
  });
}
