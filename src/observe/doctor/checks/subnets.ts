/** Do the networks have their addresses to themselves? Pure. */

import { Prefix } from '../../../base/prefix.ts';
import { shellCommand } from '../../../base/shell.ts';
import type { Link, Route } from '../../../kernel/netlink/index.ts';
import { giveAddress, recreate } from '../commands.ts';
import { type Check, type Finding, ofNetwork } from '../finding.ts';
import type { Snapshot } from '../snapshot.ts';
import {
  type BridgedNetwork,
  bridged,
  hostGateways,
  liveBridge,
  members,
  subnetsOf,
  wayOut,
} from '../view.ts';

const program = (name: string) => ({ kind: 'program', name }) as const;
/** Length of a prefix that is as good as a default route. */
const HALF_OF_ALL = 1;
/** Made by the kernel for an address of an interface (rtnetlink.h). */
const RTPROT_KERNEL = 2;

export const subnetOverlap: Check = {
  id: 'subnet-overlap',
  find(snapshot) {
    const { links, addresses } = snapshot.host();
    return bridged(snapshot).flatMap((network) =>
      subnetsOf(network).flatMap((subnet) =>
        addresses.flatMap(({ link: index, address, prefixLength }): Finding[] => {
          const link = links.find((candidate) => candidate.index === index);
          const prefix = Prefix.parse(`${address}/${prefixLength}`);
          if (link === undefined || link.loopback || link.name === network.bridge.name) return [];
          if (!prefix.overlaps(subnet)) return [];
          return [
            {
              check: 'subnet-overlap',
              severity: 'error',
              owner: ofNetwork(network),
              facts: { subnet: String(subnet), other: `${address}/${prefixLength}`, link: link.name },
              evidence: [
                `ip address: ${link.name} ${address}/${prefixLength}`,
                `network ${network.name}: ${subnet}`,
              ],
              commands: makeRoom(snapshot, network, String(subnet), link, `${address}/${prefixLength}`),
            },
          ];
        }),
      ),
    );
  },
};

/** The network goes elsewhere; the default one cannot, and the other address is left alone where it is the host's own way out. */
function makeRoom(
  snapshot: Snapshot,
  network: BridgedNetwork,
  subnet: string,
  { name, index }: Link,
  address: string,
): string[] {
  if (!network.bridge.isDefault) return recreate(snapshot, network, { withoutSubnet: subnet });
  return wayOut(snapshot)?.index === index
    ? []
    : [shellCommand('ip', 'address', 'del', address, 'dev', name)];
}

/** Routes that lead elsewhere than to the bridge: of a VPN, mostly. */
export const routeOverSubnet: Check = {
  id: 'route-over-subnet',
  find: (snapshot) =>
    whole(snapshot).flatMap((network) => [...hidden(snapshot, network), ...shadows(snapshot, network)]),
};

/** Networks whose bridge is as it should be: otherwise the way to them is not there for another reason. */
function whole(snapshot: Snapshot): BridgedNetwork[] {
  const { addresses } = snapshot.host();
  return bridged(snapshot).filter((network) => {
    const link = liveBridge(snapshot, network);
    return hostGateways(network).every((gateway) =>
      addresses.some(({ address, link: index }) => address === gateway.address && index === link?.index),
    );
  });
}

/** What the host would send to a container goes another way: policy routing and all tables are in the kernel's answer. */
function hidden(snapshot: Snapshot, network: BridgedNetwork): Finding[] {
  const { waysTo, links } = snapshot.host();
  const bridge = liveBridge(snapshot, network);
  const gateways = hostGateways(network).map(({ address }) => address);
  const astray = members(snapshot)
    .filter((member) => member.network.id === network.id)
    .flatMap(({ endpoint }) => [endpoint.v4, endpoint.v6])
    .flatMap((part) => part?.address ?? [])
    // Without an address of its own in the family (`isolated`, `inhibit_ipv4`) the host has no way there, and shall have none.
    .filter((address) => gateways.some((gateway) => gateway.includes(':') === address.includes(':')))
    .filter((address) => waysTo.has(address) && waysTo.get(address)?.link !== bridge?.index);
  const [first] = astray;
  if (first === undefined) return [];
  const way = waysTo.get(first);
  const link = links.find(({ index }) => index === way?.link)?.name ?? 'nowhere';
  const culprit = culprits(snapshot, network).find(({ prefix }) =>
    prefix.contains(Prefix.parse(hostPrefix(first))),
  );
  return [
    {
      check: 'route-over-subnet',
      severity: 'error',
      owner: program(link),
      facts: {
        subnet: subnetsOf(network).map(String).join(', '),
        route: culprit?.route.destination ?? first,
        link,
        hides: true,
      },
      evidence: [
        ...astray.slice(0, 5).map((address) => `ip route get ${address}: dev ${link}`),
        ...(culprit === undefined ? [] : [routeText(culprit.route, link)]),
      ],
      commands: culprit === undefined ? mainTableFirst(network, first) : [deleteRoute(culprit.route, link)],
    },
  ];
}

/** Another table has the say, by a rule of policy routing and a route to everywhere: that table serves others too. */
function mainTableFirst(network: BridgedNetwork, astray: string): string[] {
  const subnet = subnetsOf(network).find((candidate) => candidate.contains(Prefix.parse(hostPrefix(astray))));
  if (subnet === undefined) return [];
  const family = subnet.family === 6 ? ['-6'] : [];
  return [
    shellCommand('ip', ...family, 'rule', 'add', 'to', String(subnet), 'lookup', 'main', 'priority', '1'),
  ];
}

/** A wider route loses to the bridge's own, but whom it leads to is not reached any more. Those that hide are told above. */
function shadows(snapshot: Snapshot, network: BridgedNetwork): Finding[] {
  const { links } = snapshot.host();
  if (hidden(snapshot, network).length > 0) return [];
  return culprits(snapshot, network).map(({ route, subnet, prefix }): Finding => {
    const link = links.find(({ index }) => index === route.link)?.name ?? 'nowhere';
    const hides = prefix.length >= subnet.length;
    return {
      check: 'route-over-subnet',
      severity: hides ? 'error' : 'warning',
      owner: program(link),
      facts: {
        subnet: String(subnet),
        route: route.destination,
        link,
        hides,
      },
      evidence: [`ip route: ${routeText(route, link)}`],
      commands: hides
        ? [deleteRoute(route, link)]
        : recreate(snapshot, network, { withoutSubnet: String(subnet) }),
    };
  });
}

interface Culprit {
  readonly route: Route;
  readonly prefix: Prefix;
  readonly subnet: Prefix;
}

/** Those of interfaces with such addresses are `subnet-overlap`'s. */
function culprits(snapshot: Snapshot, network: BridgedNetwork): Culprit[] {
  const bridge = liveBridge(snapshot, network);
  return snapshot.host().routes.flatMap((route) => {
    const prefix = Prefix.tryParse(route.destination);
    const leads = ['unicast', 'blackhole', 'unreachable', 'prohibit'].includes(route.type);
    // `0.0.0.0/1` and `128.0.0.0/1` together are a VPN's way to write a default route.
    if (
      prefix === undefined ||
      prefix.length <= HALF_OF_ALL ||
      !leads ||
      route.link === bridge?.index ||
      route.protocol === RTPROT_KERNEL
    )
      return [];
    const subnet = subnetsOf(network).find((candidate) => candidate.overlaps(prefix));
    return subnet === undefined ? [] : [{ route, prefix, subnet }];
  });
}

const routeText = (route: Route, link: string) => routeWords(route, link).join(' ');

const deleteRoute = (route: Route, link: string) =>
  shellCommand('ip', ...(route.family === 6 ? ['-6'] : []), 'route', 'del', ...routeWords(route, link));

function routeWords({ destination, gateway, type, table }: Route, link: string): string[] {
  return [
    ...(type === 'unicast' ? [] : [type]),
    destination,
    ...(gateway === undefined ? [] : ['via', gateway]),
    ...(type === 'unicast' ? ['dev', link] : []),
    ...(table === 254 ? [] : ['table', String(table)]),
  ];
}

const hostPrefix = (address: string) => `${address}/${address.includes(':') ? 128 : 32}`;

export const gatewayMissing: Check = {
  id: 'gateway-missing',
  find(snapshot) {
    const { addresses } = snapshot.host();
    return bridged(snapshot).flatMap((network) => {
      const link = liveBridge(snapshot, network);
      if (link === undefined) return [];
      return hostGateways(network)
        .filter(
          ({ address }) => !addresses.some((held) => held.address === address && held.link === link.index),
        )
        .map(
          (gateway): Finding => ({
            check: 'gateway-missing',
            severity: 'error',
            owner: ofNetwork(network),
            facts: { address: gateway.address, bridge: link.name },
            evidence: [`ip address show ${link.name}: no ${gateway.address}`],
            commands: [shellCommand(...giveAddress(gateway, link.name))],
          }),
        );
    });
  },
};
