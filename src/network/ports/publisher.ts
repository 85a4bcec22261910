/**
 * Publishes ports: chooses host ports, has them bound by the port keeper (which is what reserves them, for us and against every other
 * program), and says which mappings the firewall shall serve.
 */

import { BridgeportError, conflict, isKind, notImplemented } from '../../base/errors.ts';
import { hostPort as formatHostPort, isIp } from '../../base/ip.ts';
import type { ProxyBinding, ProxyMapping } from '../../base/proxy-control.ts';
import type { PortMapping } from '../model/index.ts';
import { FreePorts } from './free-ports.ts';
import { addressesMeet } from './host-address.ts';
import { HostPortError } from './proxy-client.ts';
import { alikeRequests, type PublishRequest } from './request.ts';
import { ReservedPorts } from './reserved-ports.ts';

/** The part of the port keeper that is needed here. */
export interface PortKeeper {
  /** All or none. The mappings `instead` leave in the same change, and ports that they have in common stay bound. */
  add(mappings: ProxyMapping[], instead?: string[]): Promise<ProxyBinding[]>;
  remove(ids: string[]): Promise<void>;
}

export interface PublisherOptions {
  /** The proxy forwards what the kernel does not; off: it only holds the ports. */
  userlandProxy: boolean;
  /** False (`iptables: false`): only the proxy can serve the ports. */
  kernelServes: boolean;
  /** The host has IPv6: a port on all addresses is bound on `[::]` too. */
  hostHasIPv6: boolean;
  /** Free ports are chosen from here when the request names none. Read for every choice: it is a setting of the host. */
  ephemeralRange: () => { start: number; end: number };
  /** Null, or why the kernel cannot do SCTP. */
  sctpMissing: string | null;
  /** What is published now, to tell a port that we gave away ourselves from one that another program has. */
  published?: () => readonly PortMapping[];
}

/** Where a container is reached, by family; at least one of them. */
export interface PublishTarget {
  v4: PublishAddress | undefined;
  v6: PublishAddress | undefined;
}

export interface PublishAddress {
  endpointId: string;
  address: string;
  /** Gateway mode `routed`: nothing of the host is bound, the container's own port is opened. Default false. */
  routed?: boolean;
}

export class PortPublisher {
  readonly #keeper: PortKeeper;
  readonly #options: PublisherOptions;
  readonly #free: FreePorts;
  readonly #reserved = new ReservedPorts();

  constructor(keeper: PortKeeper, options: PublisherOptions) {
    this.#keeper = keeper;
    this.#options = options;
    this.#free = new FreePorts(options.ephemeralRange);
  }

  /** All of `requests` or none. Throws `conflict` naming the port that is taken. */
  async publish(target: PublishTarget, requests: PublishRequest[]): Promise<PortMapping[]> {
    const done: PortMapping[] = [];
    try {
      const fixed = requests.filter((request) => request.hostPort !== 0 && !request.anyOf);
      const mappings = fixed.flatMap((request) => this.#mappings(target, request, request.hostPort));
      await this.#bind(mappings, this.#published());
      done.push(...mappings);
      const anywhere = requests.filter(({ hostPort }) => hostPort === 0);
      done.push(...(await this.#publishAnywhere(target, anywhere, done)));
      for (const alike of alikeRequests(requests.filter(({ anyOf }) => anyOf))) {
        done.push(...(await this.#publishOneOf(target, alike, done)));
      }
      return done;
    } catch (error) {
      await this.unpublish(done).catch(() => {});
      throw error;
    }
  }

  async unpublish(mappings: readonly PortMapping[]): Promise<void> {
    this.#reserved.release(mappings);
    const ids = mappings.filter(isKept).map(mappingId);
    if (ids.length > 0) await this.#keeper.remove(ids);
  }

  /** Gives free what is in `before` and not in `after`, whose mappings are those of `before` or parts of them. */
  async replace(before: readonly PortMapping[], after: readonly PortMapping[]): Promise<void> {
    const leaving = before.filter((mapping) => !after.includes(mapping));
    const coming = after.filter((mapping) => !before.includes(mapping));
    this.#reserved.release(leaving);
    this.#reserved.adopt(coming.filter(isReserved));
    const parts = this.keeperMappings(coming);
    if (parts.length === 0) return this.unpublish(leaving);
    await this.#keeper.add(parts, leaving.filter(isKept).map(mappingId));
  }

  /** Takes over what an earlier daemon has published. @returns what the keeper shall hold of it: for `set()` */
  adopt(mappings: readonly PortMapping[]): ProxyMapping[] {
    this.#reserved.adopt(mappings.filter(isReserved));
    return this.keeperMappings(mappings);
  }

  /** What the keeper shall hold for these mappings. */
  keeperMappings(mappings: readonly PortMapping[]): ProxyMapping[] {
    return mappings.filter(isKept).map((mapping) => this.#keeperMapping(mapping));
  }

  /** Those who name no port of the host, all at once. `own`: what the same container has been given before. */
  async #publishAnywhere(
    target: PublishTarget,
    requests: readonly PublishRequest[],
    own: readonly PortMapping[],
  ): Promise<PortMapping[]> {
    if (requests.length === 0) return [];
    const standing = [...this.#published(), ...this.#reserved.all(), ...own];
    const choice = this.#free.choose(alikeRequests(requests), standing);
    for (;;) {
      const mappings = choice
        .runs()
        .flatMap(({ requests: alike, hostPort, ...ports }) =>
          alike.flatMap((request) => this.#mappings(target, { ...request, ...ports }, hostPort)),
        );
      try {
        await this.#hold(mappings);
        return mappings;
      } catch (error) {
        if (!(error instanceof HostPortError) || error.kind !== 'conflict') throw error;
        choice.replace(error.taken, error);
      }
    }
  }

  /** The first of the ports which these requests name that is free on all of their addresses. `own`: what the same container has already. */
  async #publishOneOf(
    target: PublishTarget,
    alike: readonly PublishRequest[],
    own: readonly PortMapping[],
  ): Promise<PortMapping[]> {
    const { containerPort, proto, hostPort: start, hostPortEnd: end } = alike[0] as PublishRequest;
    let last: unknown;
    for (let port = start; port <= end; port++) {
      const mappings = alike.flatMap((request) => this.#mappings(target, request, port));
      try {
        await this.#bind(mappings, [...this.#published(), ...own]);
        return mappings;
      } catch (error) {
        if (!isKind(error, 'conflict')) throw error;
        last = error;
      }
    }
    throw conflict(`publish ${containerPort}/${proto}: no free port between ${start} and ${end}`, {
      cause: last,
    });
  }

  /** @param standing mappings that these may get in the way of, although the container is the same */
  async #bind(mappings: PortMapping[], standing: readonly PortMapping[]): Promise<void> {
    // To the keeper, a mapping of the same id is the same one, changed.
    const endpoints = new Set(mappings.map(({ endpointId }) => endpointId));
    const ids = new Set(standing.filter(({ endpointId }) => endpoints.has(endpointId)).map(mappingId));
    const twice = mappings.find((mapping) => isKept(mapping) && ids.has(mappingId(mapping)));
    if (twice !== undefined) throw alreadyAllocated(twice.hostIp, twice.hostPort);
    try {
      await this.#hold(mappings);
    } catch (error) {
      throw this.#givenAway(error) ?? error;
    }
  }

  /** From now on these ports are theirs; all or none. */
  async #hold(mappings: readonly PortMapping[]): Promise<void> {
    const reserved = mappings.filter(isReserved);
    this.#reserved.reserve(reserved);
    const kept = this.keeperMappings(mappings);
    try {
      if (kept.length > 0) await this.#keeper.add(kept);
    } catch (error) {
      this.#reserved.release(reserved);
      throw error;
    }
  }

  /** Docker's words for a port that another container has, which people and scripts search for. */
  #givenAway(error: unknown): BridgeportError | undefined {
    if (!(error instanceof HostPortError) || error.kind !== 'conflict') return undefined;
    const { proto, hostIp, hostPort } = error.port;
    const isOurs = this.#published().some(
      (other) =>
        other.proto === proto &&
        hostPort >= other.hostPort &&
        hostPort <= (other.hostPortEnd ?? other.hostPort) &&
        addressesMeet(hostIp, other.hostIp),
    );
    if (!isOurs) return undefined;
    return alreadyAllocated(hostIp, hostPort, error);
  }

  #published(): readonly PortMapping[] {
    return this.#options.published?.() ?? [];
  }

  #mappings(target: PublishTarget, request: PublishRequest, hostPort: number): PortMapping[] {
    if (request.proto === 'sctp' && this.#options.sctpMissing !== null) {
      throw new BridgeportError(
        'invalid',
        `publish ${request.containerPort}/sctp: ${this.#options.sctpMissing}`,
      );
    }
    if (request.proto === 'sctp' && !this.#options.kernelServes) {
      throw notImplemented(`publish ${request.containerPort}/sctp without iptables`);
    }
    const count = request.anyOf ? 0 : request.containerPortEnd - request.containerPort;
    return this.#hostIps(target, request, hostPort).map((hostIp) => {
      const { endpointId, address, routed } = this.#wayTo(target, hostIp, request) as PublishAddress;
      const hostSide = routed
        ? { hostPort: 0 }
        : { hostPort, ...(count > 0 ? { hostPortEnd: hostPort + count } : {}) };
      return {
        endpointId,
        proto: request.proto,
        containerIp: address,
        containerPort: request.containerPort,
        ...(count > 0 ? { containerPortEnd: request.containerPort + count } : {}),
        hostIp,
        ...hostSide,
        ...(request.proxyProtocol && !routed ? { proxyProtocol: true as const } : {}),
      };
    });
  }

  /** Addresses that one request binds to: all that lead to the container when it names none. */
  #hostIps(target: PublishTarget, request: PublishRequest, hostPort: number): string[] {
    const leads = (hostIp: string) => {
      const way = this.#wayTo(target, hostIp, request);
      return way !== undefined && (request.proto !== 'sctp' || isIp(way.address, 6) === isIp(hostIp, 6));
    };
    if (request.hostIp === '') {
      const all = this.#options.hostHasIPv6 ? ['0.0.0.0', '::'] : ['0.0.0.0'];
      const usable = all.filter(leads);
      if (usable.length > 0) return usable;
    } else if (leads(request.hostIp)) return [request.hostIp];
    const [family, other] = isIp(request.hostIp, 6) ? ['IPv6', target.v4] : ['IPv4', target.v6];
    const hindrance = other?.routed ? 'its network is routed' : 'the userland proxy is off';
    throw new BridgeportError(
      'invalid',
      `publish ${formatHostPort(request.hostIp || '0.0.0.0', hostPort)}: the container has no ${family} address and ${hindrance}`,
    );
  }

  /** The container's address for a host address: of the same family, or the other one where the proxy can cross over. */
  #wayTo(
    target: PublishTarget,
    hostIp: string,
    { proxyProtocol }: PublishRequest,
  ): PublishAddress | undefined {
    const [same, other] = isIp(hostIp, 6) ? [target.v6, target.v4] : [target.v4, target.v6];
    const canCross = this.#options.userlandProxy || !this.#options.kernelServes || proxyProtocol;
    // A routed container is met under its own address, never under one of the host's.
    return same ?? (canCross && other?.routed !== true ? other : undefined);
  }

  #keeperMapping(mapping: PortMapping): ProxyMapping {
    const { userlandProxy, kernelServes } = this.#options;
    const crossesFamilies = isIp(mapping.hostIp, 6) !== isIp(mapping.containerIp, 6);
    const { proxyProtocol } = mapping;
    return {
      id: mappingId(mapping),
      proto: mapping.proto as 'tcp' | 'udp',
      hostIp: mapping.hostIp,
      hostPort: mapping.hostPort,
      ...(mapping.hostPortEnd === undefined ? {} : { hostPortEnd: mapping.hostPortEnd }),
      targetIp: mapping.containerIp,
      targetPort: mapping.containerPort,
      mode: userlandProxy || !kernelServes || crossesFamilies || proxyProtocol ? 'forward' : 'hold',
      ...(proxyProtocol ? { proxyProtocol } : {}),
    };
  }
}

function alreadyAllocated(hostIp: string, hostPort: number, cause?: unknown): BridgeportError {
  return conflict(`Bind for ${formatHostPort(hostIp, hostPort)} failed: port is already allocated`, {
    cause,
  });
}

/** The keeper speaks TCP and UDP; in gateway mode `routed` there is nothing to hold. */
function isKept(mapping: PortMapping): boolean {
  return mapping.proto !== 'sctp' && mapping.hostPort !== 0;
}

function isReserved(mapping: PortMapping): boolean {
  return mapping.proto === 'sctp' && mapping.hostPort !== 0;
}

function mappingId(mapping: PortMapping): string {
  return `${mapping.endpointId}/${mapping.proto}/${formatHostPort(mapping.hostIp, mapping.hostPort)}`;
}
