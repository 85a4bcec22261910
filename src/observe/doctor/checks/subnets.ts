/** Do the networks have their addresses to themselves? Pure. */

import { Prefix } from '../../../base/prefix.ts';
import type { Route } from '../../../kernel/netlink/index.ts';
import { type Check, type Finding, ofNetwork } from '../finding.ts';
import type { Snapshot } from '../snapshot.ts';
import { type BridgedNetwork, bridged, hostGateways, liveBridge, members, subnetsOf } from '../view.ts';

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
              commands: [],
            },
          ];
        }),
      ),
    );
  },
};

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
      addresses.some(({ address, link: index }) => address === gateway && index === link?.index),
    );
  });
}

/** What the host would send to a container goes another way: policy routing and all tables are in the kernel's answer. */
function hidden(snapshot: Snapshot, network: BridgedNetwork): Finding[] {
  const { waysTo, links } = snapshot.host();
  const bridge = liveBridge(snapshot, network);
  const gateways = hostGateways(network);
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
      commands: culprit === undefined ? [] : [`ip route del ${routeText(culprit.route, link)}`],
    },
  ];
}

/** A wider route loses to the bridge's own, but whom it leads to is not reached any more. Those that hide are told above. */
function shadows(snapshot: Snapshot, network: BridgedNetwork): Finding[] {
  const { links } = snapshot.host();
  if (hidden(snapshot, network).length > 0) return [];
  return culprits(snapshot, network).map(({ route, subnet, prefix }): Finding => {
    const link = links.find(({ index }) => index === route.link)?.name ?? 'nowhere';
    return {
      check: 'route-over-subnet',
      severity: prefix.length >= subnet.length ? 'error' : 'warning',
      owner: program(link),
      facts: {
        subnet: String(subnet),
        route: route.destination,
        link,
        hides: prefix.length >= subnet.length,
      },
      evidence: [`ip route: ${routeText(route, link)}`],
      commands: [],
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

function routeText({ destination, gateway, type, table }: Route, link: string): string {
  const words = [
    ...(type === 'unicast' ? [] : [type]),
    destination,
    ...(gateway === undefined ? [] : ['via', gateway]),
    ...(type === 'unicast' ? ['dev', link] : []),
    ...(table === 254 ? [] : ['table', String(table)]),
  ];
  return words.join(' ');
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
        .filter((gateway) => !addresses.some((held) => held.address === gateway && held.link === link.index))
        .map((gateway): Finding => {
          const length = subnetsOf(network).find((subnet) =>
            subnet.contains(Prefix.parse(hostPrefix(gateway))),
          )?.length;
          return {
            check: 'gateway-missing',
            severity: 'error',
            owner: ofNetwork(network),
            facts: { address: gateway, bridge: link.name },
            evidence: [`ip address show ${link.name}: no ${gateway}`],
            commands: [`ip address add ${gateway}/${length ?? 32} dev ${link.name}`],
          };
        });
    });
  },
};
