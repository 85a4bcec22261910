/** Where there is no way to an address, or nobody who has it: in words, and what would change it. Pure. */

import { Ip, type IpFamily } from '../../../base/ip.ts';
import type { ExplainOwner, WhyCause } from '../../../base/wire/index.ts';
import type { NetworkSpec } from '../../../network/model/index.ts';
import { HOST, linkByName } from '../../packet/snapshot.ts';
import type { Cause, End } from '../../packet/walk/hops.ts';
import type { TopologyContainer } from '../../topology/records.ts';
import { containerOf, partyText, type WhyContext } from './context.ts';
import { WORLD } from './destination.ts';
import { noNetwork } from './obstacle-causes.ts';
import { containerOwner, networkOwned } from './owners.ts';
import { endpointsOf, namespaceOf, networkOwner } from './parties.ts';
import { enterNetwork, joinNetwork } from './remedies.ts';

/** Whoever is outside has no way in where the host has none to them; undefined where that is not the reason. */
export function noWayCause(context: WhyContext): WhyCause | undefined {
  const { plan, from, text } = context;
  if (plan.asker !== undefined || plan.destination === undefined || from.container !== undefined)
    return undefined;
  const { family } = plan.destination.ip;
  const address = from.ip ?? Ip.parse(WORLD[family]);
  if (address.family !== family) {
    const said = text.causes.noFamily(partyText(from, text), family);
    return {
      kind: 'no-family',
      text: said,
      owner: { kind: 'host', text: partyText(from, text) },
      remedies: [],
    };
  }
  return {
    kind: 'no-way-back',
    text: text.causes.noWayBack(text.words.host, `${address}`),
    owner: { kind: 'host', text: text.words.host },
    remedies: [addRoute(address, HOST, context)],
  };
}

/** A container without a way out is on internal networks only. */
export function noRoute(
  cause: Extract<Cause, { kind: 'no-route' }>,
  where: string,
  here: ExplainOwner,
  end: End,
  context: WhyContext,
): WhyCause {
  const { records, text } = context;
  const container = containerOf(context, end.namespace);
  const networks = records.networks().filter(({ id }) => container?.networkIds.includes(id));
  if (container !== undefined && networks.every(({ driver }) => driver === 'null')) {
    return noNetwork(container, context);
  }
  const internal = networks.find((network) => network.internal);
  if (container !== undefined && internal !== undefined && networks.every((network) => network.internal)) {
    return {
      kind: 'internal-network',
      text: text.causes.internalNetwork(internal.name),
      owner: networkOwned(internal, context),
      remedies: [joinNetwork('bridge', container, records)],
    };
  }
  if (
    container !== undefined &&
    cause.destination.family === 6 &&
    !container.sandbox?.endpoints.some(({ v6 }) => v6)
  ) {
    return {
      kind: 'no-family',
      text: text.causes.noFamily(where, 6),
      owner: here,
      remedies: ['docker network create --ipv6 NETWORK', joinNetwork('NETWORK', container, records)],
    };
  }
  const gone = container && lostAddress(container, cause.destination.family, context);
  if (gone !== undefined) return gone;
  return {
    kind: 'no-route',
    text: text.causes.noRoute(where, `${cause.destination}`),
    owner: here,
    remedies: [`${enterNetwork(container)}${addRoute(cause.destination, end.namespace, context)}`],
  };
}

/** The way to everywhere, where there is none yet. */
function addRoute(destination: Ip, namespace: string, { snapshot }: WhyContext): string {
  const { family } = destination;
  const hasDefault = snapshot.namespaces
    .get(namespace)
    ?.routes.some((route) => route.family === family && route.destination === 'default');
  return `ip route add ${hasDefault === true ? destination : 'default'} via ROUTER`;
}

function ownerOfAddress(address: Ip, { records }: WhyContext): TopologyContainer | undefined {
  const text = address.toString();
  return records
    .containers()
    .find((container) =>
      endpointsOf(container).some(({ v4, v6 }) => [v4?.address, v6?.address].includes(text)),
    );
}

/** Somebody took an address of it away that it was given. */
function lostAddress(
  container: TopologyContainer,
  family: IpFamily,
  context: WhyContext,
): WhyCause | undefined {
  const { snapshot, records, text } = context;
  const namespace = snapshot.namespaces.get(namespaceOf(container, records) ?? '');
  const given = endpointsOf(networkOwner(container, records)).flatMap(
    ({ v4, v6 }) => (family === 4 ? v4 : v6)?.address ?? [],
  );
  const lost = given.find((address) => namespace?.addresses.every((own) => own.address !== address));
  if (lost === undefined) return undefined;
  return {
    kind: 'address-gone',
    text: text.causes.addressGone(container.name, lost),
    owner: containerOwner(container, context),
    remedies: [`docker restart ${container.name}`],
  };
}

/** Why an address that should be there is not; undefined for one that nobody was given. */
export function nobodyThere(
  { address, link, mac }: Extract<Cause, { kind: 'nobody-there' }>,
  namespace: string,
  context: WhyContext,
): WhyCause | undefined {
  const { records, snapshot, text } = context;
  if (mac !== undefined) {
    const by = [...snapshot.namespaces.values()].find(({ fixedNeighbours }) =>
      fixedNeighbours.some((entry) => entry.address === address.toString() && entry.mac === mac),
    );
    const container = containerOf(context, by?.id ?? namespace);
    const index = by?.fixedNeighbours.find((entry) => entry.address === address.toString())?.link;
    const device = by?.links.find((one) => one.index === index)?.name ?? link;
    return {
      kind: 'wrong-neighbour',
      text: text.causes.wrongNeighbour(`${address}`, mac, link),
      owner:
        container === undefined
          ? { kind: 'host', text: text.words.host }
          : containerOwner(container, context),
      remedies: [`${enterNetwork(container)}ip neigh del ${address} dev ${device}`],
    };
  }
  const owner = ownerOfAddress(address, context);
  const lost = owner && (lostAddress(owner, address.family, context) ?? detachedVeth(owner, context));
  if (lost !== undefined) return lost;
  const network = records
    .networks()
    .find(({ ipam }) => ipam.subnets.some(({ gateway }) => gateway === address.toString()));
  return network && bridgeGone(network, context);
}

/** A network whose bridge is down, or has not the address that makes the host its router. */
export function bridgeGone(network: NetworkSpec, context: WhyContext): WhyCause | undefined {
  const { snapshot, text } = context;
  const host = snapshot.namespaces.get(HOST);
  const name = network.bridge?.name;
  const link = name === undefined ? undefined : host && linkByName(host, name);
  if (name === undefined || link === undefined) return undefined;
  const lost = network.ipam.subnets.find(
    ({ gateway }) =>
      gateway !== undefined && host?.addresses.every((own) => own.address !== gateway) === true,
  );
  if (link.up && lost === undefined) return undefined;
  const subnet = lost ?? network.ipam.subnets[0];
  const length = subnet?.subnet.split('/')[1] ?? '';
  return {
    kind: 'bridge-gone',
    text: text.causes.bridgeGone(name, subnet?.gateway ?? '', link.up),
    owner: { kind: 'host', text: text.words.interface(name) },
    remedies: link.up ? [`ip addr add ${subnet?.gateway}/${length} dev ${name}`] : [`ip link set ${name} up`],
  };
}

/**
 * Somebody took the host's end of a container's pair off its bridge.
 *
 * @param veth the one that matters; default any of the container's
 */
export function detachedVeth(
  container: TopologyContainer,
  context: WhyContext,
  veth?: string,
): WhyCause | undefined {
  const { records, snapshot, text } = context;
  const host = snapshot.namespaces.get(HOST);
  for (const { hostVeth = '', networkId } of endpointsOf(networkOwner(container, records))) {
    if (host === undefined || (veth !== undefined && veth !== hostVeth)) continue;
    const bridge = records.networks().find(({ id }) => id === networkId)?.bridge?.name ?? '';
    const [port, master] = [linkByName(host, hostVeth), linkByName(host, bridge)];
    if (port === undefined || master === undefined || port.master === master.index) continue;
    return {
      kind: 'detached',
      text: text.causes.detached(hostVeth, container.name, master.name),
      owner: { kind: 'host', text: text.words.interface(hostVeth) },
      remedies: [`ip link set ${hostVeth} master ${master.name}`],
    };
  }
  return undefined;
}
