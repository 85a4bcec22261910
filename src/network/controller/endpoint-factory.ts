/** Endpoints as they are planned: checked, with addresses, names and MACs chosen; nothing of them is in the kernel yet. */

import { conflict, internal, invalid } from '../../base/errors.ts';
import { hostVethName, newId } from '../../base/ids.ts';
import { Ip, isIp } from '../../base/ip.ts';
import { macFromIpv4, parseMac, randomMac } from '../../base/mac.ts';
import { Prefix } from '../../base/prefix.ts';
import type { EndpointSettings } from '../../base/wire/index.ts';
import type { RouteClient } from '../../kernel/netlink/index.ts';
import type { EndpointTraits, NetworkDrivers } from '../drivers/driver.ts';
import type { NetworkAddresses } from '../ipam/index.ts';
import { type EndpointAddress, type EndpointSpec, isUserDefined, type NetworkSpec } from '../model/index.ts';
import {
  endpointOptionFindings,
  linkLocalAddresses,
  linkLocalFindings,
  turnsIPv6Off,
  wantedInterfaceName,
} from './endpoint-options.ts';
import type { NetworkRegistry } from './network-registry.ts';
import type { PastOwners } from './past-owners.ts';
import { freeInterfaceName, type SandboxRecord } from './sandbox-record.ts';

export class EndpointFactory {
  readonly #networks: NetworkRegistry;
  readonly #drivers: NetworkDrivers;
  readonly #route: RouteClient;
  readonly #pastOwners: PastOwners;

  /** `route` is a client in the daemon's namespace. */
  constructor(
    networks: NetworkRegistry,
    drivers: NetworkDrivers,
    route: RouteClient,
    pastOwners: PastOwners,
  ) {
    this.#pastOwners = pastOwners;
    this.#networks = networks;
    this.#drivers = drivers;
    this.#route = route;
  }

  /** Throws `invalid`, in Docker's words, for what can never be given on this network. */
  check(spec: NetworkSpec, asked: EndpointSettings): void {
    const problems: string[] = [];
    const userDefined = isUserDefined(spec);
    const { IPv4Address: v4, IPv6Address: v6 } = asked.IPAMConfig ?? {};
    if ((v4 || v6) && !userDefined) {
      problems.push('user-specified IP address is supported on user-defined networks only');
    }
    if ((asked.Aliases ?? []).length > 0 && !userDefined) {
      problems.push('network-scoped aliases are only supported for user-defined networks');
    }
    if (v4 && !isIp(v4, 4)) problems.push(`invalid IPv4 address: ${v4}`);
    if (v6 && !isIp(v6, 6)) problems.push(`invalid IPv6 address: ${v6}`);
    if (userDefined) {
      if (v4 && isIp(v4, 4)) problems.push(...outsideFindings(spec, Ip.parse(v4)));
      if (v6 && isIp(v6, 6)) problems.push(...outsideFindings(spec, Ip.parse(v6)));
    }
    problems.push(...linkLocalFindings(asked.IPAMConfig?.LinkLocalIPs ?? []));
    problems.push(...endpointOptionFindings(asked.DriverOpts ?? {}));
    if (asked.MacAddress && this.#drivers.of(spec)?.traits(spec).hasOwnMac === false) {
      problems.push(`${spec.driver} interfaces do not support custom mac address assignment`);
    }
    if (problems.length > 0) throw invalid(`invalid endpoint settings:\n${problems.join('\n')}`);
    if (asked.MacAddress) parseMac(asked.MacAddress);
  }

  /** Takes addresses: whoever gives the endpoint up must `release()` it. */
  create(spec: NetworkSpec, record: SandboxRecord, asked: EndpointSettings): EndpointSpec {
    const { request } = record;
    const id = newId();
    const traits = this.#traits(spec);
    const ifname = this.#interfaceName(traits, record, asked);
    const v4 = this.#takeAddress(spec, 4, asked.IPAMConfig?.IPv4Address);
    const hasIPv6 = !request.ipv6Disabled && !turnsIPv6Off(asked.DriverOpts ?? {}, ifname);
    const v6 = hasIPv6 ? this.#takeAddress(spec, 6, asked.IPAMConfig?.IPv6Address) : undefined;
    const mac = asked.MacAddress || (record.endpoints.length === 0 ? request.macAddress : '');
    const linkLocal = linkLocalAddresses(asked.IPAMConfig?.LinkLocalIPs ?? []);
    return {
      id,
      networkId: spec.id,
      createdAt: Date.now(),
      containerId: request.containerId,
      sandboxId: record.id,
      ifname,
      ...(traits.hasHostEnd ? { hostVeth: this.#freeVethName(id) } : {}),
      ...(traits.hasOwnMac
        ? { mac: parseMac(mac || (v4 === undefined ? randomMac() : macFromIpv4(v4.address))) }
        : {}),
      ...(v4 === undefined ? {} : { v4 }),
      ...(v6 === undefined ? {} : { v6 }),
      ...(linkLocal.length === 0 ? {} : { linkLocal }),
      aliases: asked.Aliases ?? [],
      gatewayPriority: asked.GwPriority ?? 0,
      driverOptions: asked.DriverOpts ?? {},
    };
  }

  /** @param containerName who had it */
  release(endpoint: EndpointSpec, containerName: string): void {
    this.#pastOwners.add(endpoint, containerName);
    this.#eachAddress(endpoint, (pool, address) => pool.release(address));
  }

  /** Marks the addresses of an endpoint that an earlier daemon made. */
  restore(endpoint: EndpointSpec): void {
    this.#eachAddress(endpoint, (pool, address) => pool.restore(address));
  }

  #takeAddress(spec: NetworkSpec, family: 4 | 6, requested: string | undefined): EndpointAddress | undefined {
    const addresses = this.#networks.addresses(spec.id);
    if (addresses?.has(family) !== true) return undefined;
    const own = new Set(this.#route.addresses({ family }).map(({ address }) => address));
    const { gateway, ...rest } = addresses.allocate(family, {
      ...(requested ? { requested } : {}),
      isInUse: (ip) => own.has(ip.toString()),
    });
    const wayOut = this.#traits(spec).wayOut[family];
    if (wayOut === 'none') return rest;
    if (wayOut === 'on-link') return { ...rest, onLink: true };
    // `--default-gateway` names another router than the bridge.
    const named = family === 4 ? 'DefaultGatewayIPv4' : 'DefaultGatewayIPv6';
    const other = spec.ipam.subnets.find(({ auxAddresses }) => auxAddresses?.[named])?.auxAddresses?.[named];
    const way = other ?? gateway;
    return way === undefined ? rest : { ...rest, gateway: way };
  }

  #traits(spec: NetworkSpec): EndpointTraits {
    const driver = this.#drivers.of(spec);
    if (driver === undefined)
      throw internal(`network ${spec.name} has no endpoints: its driver is ${spec.driver}`);
    return driver.traits(spec);
  }

  #interfaceName(traits: EndpointTraits, record: SandboxRecord, asked: EndpointSettings): string {
    const wanted = wantedInterfaceName(asked.DriverOpts ?? {});
    if (wanted === undefined) return freeInterfaceName(record.endpoints, traits.interfacePrefix);
    if (record.endpoints.some(({ ifname }) => ifname === wanted)) {
      throw conflict(`interface name "${wanted}" is used by another endpoint of the container`);
    }
    return wanted;
  }

  #eachAddress(endpoint: EndpointSpec, act: (pool: NetworkAddresses, address: string) => void): void {
    const pool = this.#networks.addresses(endpoint.networkId);
    if (pool === undefined) return;
    for (const part of [endpoint.v4, endpoint.v6]) if (part !== undefined) act(pool, part.address);
  }

  #freeVethName(endpointId: string): string {
    for (let attempt = 0; ; attempt++) {
      const name = hostVethName(endpointId, attempt);
      if (this.#route.findLink(name) === undefined) return name;
    }
  }
}

function outsideFindings(spec: NetworkSpec, address: Ip): string[] {
  const named = spec.ipam.subnets
    .filter(({ fromPool }) => fromPool !== true)
    .map(({ subnet }) => Prefix.parse(subnet))
    .filter(({ family }) => family === address.family);
  if (named.some((subnet) => subnet.contains(address))) return [];
  return named.length === 0
    ? ['user specified IP address is supported only when connecting to networks with user configured subnets']
    : [`no configured subnet or ip-range contain the IP address ${address}`];
}
