/**
 * The network controller: networks, sandboxes and everything the kernel holds of them. Desired state is committed to the store before
 * the kernel is touched; whatever is found at start without a record is taken away, whatever has one is adopted.
 */

import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { invalid, messageOf, notFound, notImplemented, runAll } from '../../base/errors.ts';
import { hostVethName, newId } from '../../base/ids.ts';
import { isIp } from '../../base/ip.ts';
import type { Log } from '../../base/log.ts';
import { macFromIpv4, parseMac } from '../../base/mac.ts';
import { parsePortSpec } from '../../base/ports.ts';
import { Prefix } from '../../base/prefix.ts';
import { nowString } from '../../base/time.ts';
import type { EndpointSettings, NetworkInspect, NetworkInterfaceStats } from '../../base/wire/index.ts';
import { RouteClient } from '../../kernel/netlink/index.ts';
import {
  bindOwnNetns,
  createNetns,
  openNetns,
  prepareNetnsDirectory,
  removeNetns,
  withNetns,
} from '../../kernel/netns/index.ts';
import { tryWriteSysctl } from '../../kernel/sysctl.ts';
import type { Store, Table } from '../../store/store.ts';
import { type BridgeDriver, OWNER_MARK } from '../drivers/bridge.ts';
import { type FirewallIntent, networkIntent } from '../firewall/index.ts';
import { NetworkAddresses, type SubnetSpace } from '../ipam/index.ts';
import type { EndpointSpec, Link, NetworkSpec, PortMapping } from '../model/index.ts';
import type { PortPublisher } from '../ports/publisher.ts';
import { publishRequests } from '../ports/request.ts';
import { portMapOf } from '../ports/view.ts';
import {
  chooseAddressing,
  DEFAULT_BRIDGE,
  type DefaultBridgeSettings,
  defaultBridgeSpec,
  type NetworkIdentity,
  plainSpec,
} from './default-networks.ts';
import type { FirewallSync } from './firewall-sync.ts';
import type { SandboxInfo, SandboxRequest } from './sandbox.ts';
import { endpointView, interfaceStats, networkView } from './view.ts';

/** Name under which the daemon's own namespace stands among those of the containers: for `--network host`. */
const HOST_NETNS = 'default';

/** What the store keeps of a container's network. */
export interface SandboxRecord {
  id: string;
  request: SandboxRequest;
  /** Path of the namespace. */
  path: string;
  endpoints: EndpointSpec[];
  ports: PortMapping[];
  /** False from the first step until the last one of `open()`. */
  complete: boolean;
}

export interface NetworkSettings {
  /** Folder for namespaces, below the exec root. */
  netnsFolder: string;
  defaultBridge: DefaultBridgeSettings;
  pools: SubnetSpace;
  userlandProxy: boolean;
  /** The firewall is ours to write: `--iptables`, `--ip6tables`. */
  iptables: boolean;
  ip6tables: boolean;
  /** Hosts with a route may address containers directly. */
  allowDirectRouting: boolean;
  /** FORWARD's policy is set to DROP: the daemon turned forwarding on itself. */
  forwardDrop: boolean;
}

export interface NetworkParts {
  settings: NetworkSettings;
  store: Store;
  /** In the daemon's namespace. */
  route: RouteClient;
  bridge: BridgeDriver;
  publisher: PortPublisher;
  /** Made by the daemon with `intent()` of this controller. */
  firewall: (intent: () => FirewallIntent) => FirewallSync;
  /** A network event: `connect`, `disconnect`, `create`, `destroy`. */
  emit: (action: string, networkId: string, attributes: Record<string, string>) => void;
  log: Log;
}

export class NetworkController {
  readonly #parts: NetworkParts;
  readonly #sandboxes = new Map<string, SandboxRecord>();
  readonly #sandboxTable: Table<SandboxRecord>;
  readonly #identityTable: Table<NetworkIdentity>;
  readonly #networks = new Map<string, NetworkSpec>();
  readonly #addresses = new Map<string, NetworkAddresses>();
  readonly #firewall: FirewallSync;

  constructor(parts: NetworkParts) {
    this.#parts = parts;
    this.#sandboxTable = parts.store.table<SandboxRecord>('sandboxes');
    this.#identityTable = parts.store.table<NetworkIdentity>('network_identities');
    this.#firewall = parts.firewall(() => this.intent());
  }

  /** Makes the default networks. Sandboxes are adopted afterwards by `restore()`. */
  init(): void {
    const { settings } = this.#parts;
    prepareNetnsDirectory(settings.netnsFolder);
    bindOwnNetns(join(settings.netnsFolder, HOST_NETNS));
    for (const name of ['host', 'none'] as const) this.#add(plainSpec(this.#identity(name), name));
    if (settings.defaultBridge.bridge !== 'none') this.#initDefaultBridge();
  }

  /**
   * Adopts the sandboxes of containers that run and takes away everything else that is ours: half-made sandboxes, those of containers
   * that ended meanwhile, namespaces and links without a record.
   */
  async restore(isAlive: (containerId: string) => boolean): Promise<void> {
    for (const [containerId, record] of this.#sandboxTable.all()) {
      this.#sandboxes.set(containerId, record);
      for (const endpoint of record.endpoints) {
        if (endpoint.v4 !== undefined) this.#addresses.get(endpoint.networkId)?.restore(endpoint.v4.address);
      }
    }
    for (const [containerId, record] of [...this.#sandboxes]) {
      if (isAlive(containerId) && record.complete) continue;
      await this.close(containerId, { sync: false }).catch((error) =>
        this.#parts.log.warn(
          { container: containerId, error: messageOf(error) },
          'cannot close an old sandbox',
        ),
      );
    }
    await this.#sweep();
    await this.#firewall.repair();
  }

  /** Every mapping that the port keeper shall hold. */
  publishedPorts(): PortMapping[] {
    return [...this.#sandboxes.values()].flatMap((record) => record.ports);
  }

  intent(): FirewallIntent {
    const { settings } = this.#parts;
    const records = [...this.#sandboxes.values()];
    const networks = [...this.#networks.values()].filter((spec) => spec.bridge !== undefined);
    return {
      enabled: { v4: settings.iptables, v6: settings.iptables && settings.ip6tables },
      userlandProxy: settings.userlandProxy,
      allowDirectRouting: settings.allowDirectRouting,
      forwardDrop: { v4: settings.forwardDrop, v6: false },
      networks: networks.map((spec) =>
        networkIntent(
          spec,
          records.flatMap((record) =>
            record.ports.filter((port) =>
              record.endpoints.some(
                (endpoint) => endpoint.id === port.endpointId && endpoint.networkId === spec.id,
              ),
            ),
          ),
          this.#links(spec),
        ),
      ),
    };
  }

  sandbox(containerId: string): SandboxInfo | undefined {
    const record = this.#sandboxes.get(containerId);
    return record?.complete === true ? this.#info(record) : undefined;
  }

  /** All sandboxes, for the map of the network. */
  sandboxes(): readonly SandboxRecord[] {
    return [...this.#sandboxes.values()];
  }

  /** Counters of the interfaces in a container's own namespace, by their names; undefined when it has none. */
  interfaceStats(containerId: string): Record<string, NetworkInterfaceStats> | undefined {
    const record = this.#sandboxes.get(containerId);
    if (record === undefined || record.endpoints.length === 0) return undefined;
    using inside = RouteClient.open(record.path);
    return Object.fromEntries(
      inside
        .links()
        .filter((link) => !link.loopback)
        .map(({ name, stats }) => [name, interfaceStats(stats)]),
    );
  }

  /** Gateway address of the default bridge: what `host-gateway` means. */
  get defaultGateway(): string | undefined {
    return this.#networks.get('bridge')?.ipam.subnets[0]?.gateway;
  }

  /** Throws for a request that can never be opened, before anything is made. */
  validate(request: SandboxRequest): void {
    if (request.mode.startsWith('container:')) return;
    const spec = this.#find(request.mode);
    if (request.macAddress !== undefined && request.macAddress !== '') parseMac(request.macAddress);
    for (const [name, endpoint] of Object.entries(request.networks)) {
      this.#find(name === 'default' ? 'bridge' : name);
      const address = endpoint.IPAMConfig?.IPv4Address;
      if (address && !isIp(address, 4)) throw invalid(`invalid IPv4 address: ${address}`);
      if (address && (spec.bridge?.isDefault ?? true)) {
        throw invalid(
          'invalid config for network bridge: user specified IP address is supported on user defined networks only',
        );
      }
      if (endpoint.MacAddress) parseMac(endpoint.MacAddress);
    }
    publishRequests({
      bindings: request.portBindings,
      exposed: request.exposedPorts,
      publishAll: request.publishAllPorts,
      defaultHostIp: '',
    });
  }

  /** Makes namespace, endpoint, ports and rules. When a step fails, everything is taken away again. */
  async open(request: SandboxRequest): Promise<SandboxInfo> {
    const { settings } = this.#parts;
    const spec = this.#find(request.mode);
    const stale = this.#sandboxes.get(request.containerId);
    if (stale !== undefined) await this.close(request.containerId);
    const id = newId();
    const record: SandboxRecord = {
      id,
      request,
      path:
        spec.driver === 'host'
          ? join(settings.netnsFolder, HOST_NETNS)
          : join(settings.netnsFolder, id.slice(0, 12)),
      endpoints: spec.bridge === undefined ? [] : [this.#newEndpoint(spec, request, id)],
      ports: [],
      complete: false,
    };
    this.#save(record);
    try {
      if (spec.driver !== 'host') this.#makeNamespace(record, spec);
      await this.#publish(record, spec);
      if (spec.bridge !== undefined) await this.#firewall.sync();
      record.complete = true;
      this.#save(record);
    } catch (error) {
      await this.close(request.containerId).catch((failure) =>
        this.#parts.log.warn(
          { container: request.containerId, error: messageOf(failure) },
          'undo of a sandbox failed',
        ),
      );
      throw error;
    }
    this.#emit('connect', spec, request.containerId);
    return this.#info(record);
  }

  /** Takes everything of the sandbox away; every step is tried. Unknown containers are fine. */
  async close(containerId: string, options: { sync: boolean } = { sync: true }): Promise<void> {
    const record = this.#sandboxes.get(containerId);
    if (record === undefined) return;
    const { ports } = record;
    const { bridge, publisher } = this.#parts;
    const wasComplete = record.complete;
    // First out of the intent, so that no rule is written any more for what is going away.
    record.ports = [];
    record.complete = false;
    this.#save(record);
    const isHost = this.#find(record.request.mode).driver === 'host';
    const endpoints = record.endpoints;
    await runAll(`close sandbox of ${containerId}`, [
      () => publisher.unpublish(ports),
      () =>
        Promise.all([
          ...endpoints.map((endpoint) => bridge.deleteEndpoint(endpoint.hostVeth)),
          options.sync && endpoints.length > 0 ? this.#firewall.sync() : undefined,
        ]),
      () => (isHost ? undefined : removeNetns(record.path)),
    ]);
    for (const endpoint of endpoints) {
      if (endpoint.v4 !== undefined) this.#addresses.get(endpoint.networkId)?.release(endpoint.v4.address);
    }
    this.#sandboxes.delete(containerId);
    this.#sandboxTable.delete(containerId);
    if (wasComplete) this.#emit('disconnect', this.#find(record.request.mode), containerId);
  }

  /** Tells the controller a container's new name. */
  rename(containerId: string, name: string): void {
    const record = this.#sandboxes.get(containerId);
    if (record === undefined) return;
    record.request.containerName = name;
    this.#save(record);
  }

  list(): NetworkInspect[] {
    return [...this.#networks.values()].map((spec) => this.#view(spec));
  }

  inspect(ref: string): NetworkInspect {
    return this.#view(this.#find(ref));
  }

  /** The networks a container joins, as `inspect` shows them when it does not run. */
  plannedNetworks(request: SandboxRequest): Record<string, EndpointSettings> {
    if (request.mode.startsWith('container:')) return {};
    const spec = [...this.#networks.values()].find(
      ({ name, id }) => name === request.mode || id === request.mode,
    );
    if (spec === undefined) return {};
    return { [spec.name]: endpointView('', this.#asked(request, spec), undefined) };
  }

  specs(): readonly NetworkSpec[] {
    return [...this.#networks.values()];
  }

  #initDefaultBridge(): void {
    const { settings, route, bridge } = this.#parts;
    const flags = settings.defaultBridge;
    const name = flags.bridge === '' ? DEFAULT_BRIDGE : flags.bridge;
    const existing = route.findLink(name);
    if (flags.bridge !== '' && existing === undefined) {
      throw invalid(`bridge device non existent (${flags.bridge}): --bridge takes a bridge that is there`);
    }
    const addresses =
      existing === undefined
        ? []
        : route.addresses({ link: existing.index, family: 4 }).filter((a) => !a.secondary);
    const inUse = route
      .routes({ family: 4 })
      .filter((found) => found.link !== existing?.index)
      .flatMap((found) => Prefix.tryParse(found.destination) ?? []);
    const addressing = chooseAddressing(flags, addresses, () => settings.pools.allocate(4, { avoid: inUse }));
    if (flags.bip !== '' && existing !== undefined) {
      // The flag says what the bridge's address is: an earlier daemon's is replaced.
      for (const old of addresses) {
        if (old.address !== addressing.address.toString()) {
          route.deleteAddress({ link: existing.index, address: old.address, prefixLength: old.prefixLength });
        }
      }
    }
    if (!settings.pools.overlaps(addressing.subnet)) settings.pools.request(addressing.subnet);
    const spec = defaultBridgeSpec(this.#identity('bridge'), name, flags, addressing);
    bridge.ensureBridge({
      name,
      mtu: flags.mtu,
      address: {
        address: addressing.address.toString(),
        prefixLength: addressing.subnet.length,
        broadcast: addressing.subnet.broadcast?.toString() ?? '',
      },
      routeLocalnet: settings.iptables && !settings.userlandProxy,
      filterBridged: !flags.icc && settings.iptables,
    });
    this.#add(spec);
  }

  #add(spec: NetworkSpec): void {
    this.#networks.set(spec.name, spec);
    if (spec.ipam.subnets.length > 0) {
      this.#addresses.set(
        spec.id,
        new NetworkAddresses({ name: spec.name, id: spec.id, subnets: spec.ipam.subnets }),
      );
    }
  }

  #identity(name: string): NetworkIdentity {
    const known = this.#identityTable.get(name);
    if (known !== undefined) return known;
    const identity = { id: newId(), createdAt: nowString() };
    this.#identityTable.put(name, identity);
    return identity;
  }

  /** By name, id or unambiguous id prefix. Throws `not-found` in Docker's words. */
  #find(ref: string): NetworkSpec {
    const exact = this.#networks.get(ref === 'default' ? 'bridge' : ref);
    if (exact !== undefined) return exact;
    const matches = [...this.#networks.values()].filter((spec) => ref !== '' && spec.id.startsWith(ref));
    if (matches.length > 1)
      throw invalid(`network ${ref} is ambiguous (${matches.length} matches found based on ID prefix)`);
    const match = matches[0];
    if (match === undefined) throw notFound(`network ${ref} not found`);
    return match;
  }

  #asked(request: SandboxRequest, spec: NetworkSpec): EndpointSettings {
    const keys = [spec.name, spec.id, request.mode, ...(spec.name === 'bridge' ? ['default'] : [])];
    return keys.map((key) => request.networks[key]).find((settings) => settings !== undefined) ?? {};
  }

  #newEndpoint(spec: NetworkSpec, request: SandboxRequest, sandboxId: string): EndpointSpec {
    const addresses = this.#addresses.get(spec.id);
    if (addresses === undefined) throw notImplemented(`a network without IPv4 ("${spec.name}")`);
    const asked = this.#asked(request, spec);
    const requested = asked.IPAMConfig?.IPv4Address;
    const v4 = addresses.allocate(4, {
      ...(requested ? { requested } : {}),
      isInUse: (ip) => this.#hostHas(ip.toString()),
    });
    const gateway = spec.ipam.subnets[0]?.auxAddresses?.DefaultGatewayIPv4 ?? v4.gateway;
    const id = newId();
    return {
      id,
      networkId: spec.id,
      containerId: request.containerId,
      sandboxId,
      ifname: `${spec.bridge?.containerIfacePrefix ?? 'eth'}0`,
      hostVeth: this.#freeVethName(id),
      mac: parseMac(asked.MacAddress || request.macAddress || macFromIpv4(v4.address)),
      v4: { ...v4, ...(gateway === undefined ? {} : { gateway }) },
      aliases: asked.Aliases ?? [],
      gatewayPriority: asked.GwPriority ?? 0,
      driverOptions: asked.DriverOpts ?? {},
    };
  }

  #hostHas(address: string): boolean {
    return this.#parts.route.addresses({ family: 4 }).some((own) => own.address === address);
  }

  #freeVethName(endpointId: string): string {
    for (let attempt = 0; ; attempt++) {
      const name = hostVethName(endpointId, attempt);
      if (this.#parts.route.findLink(name) === undefined) return name;
    }
  }

  #makeNamespace(record: SandboxRecord, spec: NetworkSpec): void {
    const { settings, bridge, route } = this.#parts;
    createNetns(record.path);
    using netns = openNetns(record.path);
    // Interfaces made later get no IPv6 link-local address: a network without IPv6 must not have a second way in.
    withNetns(netns, () => tryWriteSysctl('net/ipv6/conf/default/disable_ipv6', '1'));
    for (const endpoint of record.endpoints) {
      const device = spec.bridge;
      if (device === undefined) continue;
      bridge.createEndpoint(endpoint, route.link(device.name), netns, {
        mtu: device.mtu,
        hairpin: settings.iptables && !settings.userlandProxy,
        isDefaultRoute: true,
      });
    }
  }

  async #publish(record: SandboxRecord, spec: NetworkSpec): Promise<void> {
    const [endpoint] = record.endpoints;
    if (endpoint?.v4 === undefined) return;
    const requests = publishRequests({
      bindings: record.request.portBindings,
      exposed: record.request.exposedPorts,
      publishAll: record.request.publishAllPorts,
      defaultHostIp: spec.bridge?.hostBindingV4 ?? '',
    });
    if (requests.length === 0) return;
    const target = { endpointId: endpoint.id, containerIp: endpoint.v4.address };
    record.ports = await this.#parts.publisher.publish(target, requests);
    this.#save(record);
  }

  #links(spec: NetworkSpec): Link[] {
    const links: Link[] = [];
    for (const record of this.#sandboxes.values()) {
      const client = record.endpoints.find((endpoint) => endpoint.networkId === spec.id);
      if (client?.v4 === undefined) continue;
      for (const link of record.request.links) {
        const target = this.#sandboxes.get(link.containerId);
        const server = target?.endpoints.find((endpoint) => endpoint.networkId === spec.id);
        if (target === undefined || server?.v4 === undefined) continue;
        links.push({
          networkId: spec.id,
          clientEndpointId: client.id,
          clientIp: client.v4.address,
          serverEndpointId: server.id,
          serverIp: server.v4.address,
          alias: link.alias,
          exposed: target.request.exposedPorts.map((port) => parsePortSpec(port)),
        });
      }
    }
    return links;
  }

  #info(record: SandboxRecord): SandboxInfo {
    const spec = this.#find(record.request.mode);
    const [endpoint] = record.endpoints;
    return {
      id: record.id,
      path: record.path,
      ports: portMapOf(record.request.exposedPorts, record.ports),
      networks: { [spec.name]: endpointView(spec.id, this.#asked(record.request, spec), endpoint) },
    };
  }

  #view(spec: NetworkSpec): NetworkInspect {
    const members = [...this.#sandboxes.values()].flatMap((record) =>
      record.endpoints
        .filter((endpoint) => endpoint.networkId === spec.id)
        .map((endpoint) => ({ endpoint, containerName: record.request.containerName })),
    );
    return networkView(spec, members);
  }

  #emit(action: string, spec: NetworkSpec, containerId: string): void {
    this.#parts.emit(action, spec.id, { container: containerId, name: spec.name, type: spec.driver });
  }

  #save(record: SandboxRecord): void {
    const { containerId } = record.request;
    this.#sandboxes.set(containerId, record);
    this.#sandboxTable.put(containerId, record);
  }

  /** What an earlier daemon left without a record: it was killed between two steps. */
  async #sweep(): Promise<void> {
    const { settings, bridge, log } = this.#parts;
    const known = new Set([...this.#sandboxes.values()].map((record) => record.path));
    for (const name of existsSync(settings.netnsFolder) ? readdirSync(settings.netnsFolder) : []) {
      const path = join(settings.netnsFolder, name);
      if (name === HOST_NETNS || known.has(path)) continue;
      log.info({ path }, 'removing a namespace that nothing belongs to');
      removeNetns(path);
    }
    const endpoints = new Set([...this.#sandboxes.values()].flatMap((r) => r.endpoints.map((e) => e.id)));
    for (const link of bridge.ownedLinks()) {
      if (endpoints.has(link.endpointId)) continue;
      log.info({ link: link.name, mark: OWNER_MARK }, 'removing a link that nothing belongs to');
      await bridge.deleteEndpoint(link.name);
    }
  }
}
