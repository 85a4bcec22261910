/**
 * The network controller: networks, sandboxes and everything the kernel holds of them. Desired state is committed to the store before
 * the kernel is touched; whatever is found at start without a record is taken away, whatever has one is adopted.
 */

import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { BridgeportError, conflict, invalid, messageOf, runAll } from '../../base/errors.ts';
import { newId } from '../../base/ids.ts';
import type { Log } from '../../base/log.ts';
import { parseMac } from '../../base/mac.ts';
import type { EndpointSettings, NetworkInterfaceStats, PortMap } from '../../base/wire/index.ts';
import { RouteClient } from '../../kernel/netlink/index.ts';
import {
  bindOwnNetns,
  prepareNetnsDirectory,
  releaseNetnsDirectory,
  removeNetns,
} from '../../kernel/netns/index.ts';
import type { Store, Table } from '../../store/store.ts';
import { type DnsServer, RESOLVER_ADDRESS, type ResolvConf } from '../dns/index.ts';
import { Announcer } from '../drivers/announcer.ts';
import type { NetworkDrivers } from '../drivers/driver.ts';
import type { FirewallIntent } from '../firewall/index.ts';
import type { SubnetSpace } from '../ipam/index.ts';
import { type EndpointSpec, isUserDefined, type NetworkSpec, type PortMapping } from '../model/index.ts';
import type { PortPublisher } from '../ports/publisher.ts';
import { publishRequests } from '../ports/request.ts';
import type { StaleFlows } from '../ports/stale-flows.ts';
import { portMapOf } from '../ports/view.ts';
import type { DefaultBridgeSettings } from './default-networks.ts';
import { EndpointFactory } from './endpoint-factory.ts';
import type { FirewallSync } from './firewall-sync.ts';
import { watchFirewall } from './firewall-watch.ts';
import type { Forwarding } from './forwarding.ts';
import { firewallIntent } from './intent.ts';
import { dnsNames, NameService } from './name-service.ts';
import { SandboxNamespaces } from './namespaces.ts';
import type { NetworkRegistry } from './network-registry.ts';
import { Networks } from './networks.ts';
import { Publishing } from './publishing.ts';
import type { OpenSandbox, SandboxInfo, SandboxRequest } from './sandbox.ts';
import type { SandboxRecord } from './sandbox-record.ts';
import { SandboxRequests } from './sandbox-requests.ts';
import { sweepLeftovers } from './sweep.ts';
import { endpointView, interfaceStats } from './view.ts';

export type { SandboxRecord } from './sandbox-record.ts';

/** Name under which the daemon's own namespace stands among those of the containers: for `--network host`. */
export const HOST_NETNS = 'default';

export interface NetworkSettings {
  /** Folder for namespaces, below the exec root. */
  netnsFolder: string;
  defaultBridge: DefaultBridgeSettings;
  pools: SubnetSpace;
  userlandProxy: boolean;
  /** The firewall is ours to write: `--iptables`, `--ip6tables`. */
  iptables: boolean;
  ip6tables: boolean;
  /** `--dns` and `--dns-opt` of the daemon. */
  dns: readonly string[];
  dnsOptions: readonly string[];
  /** Hosts with a route may address containers directly. */
  allowDirectRouting: boolean;
}

export interface NetworkParts {
  settings: NetworkSettings;
  store: Store;
  /** In the daemon's namespace. */
  route: RouteClient;
  drivers: NetworkDrivers;
  forwarding: Forwarding;
  /** The embedded resolver. */
  dns: DnsServer;
  /** The host's own, as it is now. */
  resolvConf: () => ResolvConf;
  publisher: PortPublisher;
  staleFlows: StaleFlows;
  /** Made by the daemon with `intent()` of this controller. */
  firewall: (intent: () => FirewallIntent) => FirewallSync;
  /** A network event: `connect`, `disconnect`, `create`, `destroy`. */
  emit: (action: string, networkId: string, attributes: Record<string, string>) => void;
  log: Log;
}

export class NetworkController {
  readonly #parts: NetworkParts;
  readonly networks: Networks;
  readonly requests: SandboxRequests;
  readonly #networks: NetworkRegistry;
  /** By the container that owns the namespace. */
  readonly #sandboxes = new Map<string, SandboxRecord>();
  /** By the sandbox's id: those that are being taken away. */
  readonly #closing = new Map<string, Promise<void>>();
  readonly #sandboxTable: Table<SandboxRecord>;
  readonly #firewall: FirewallSync;
  readonly #endpoints: EndpointFactory;
  readonly #namespaces: SandboxNamespaces;
  readonly #names: NameService;
  readonly #publishing: Publishing;

  constructor(parts: NetworkParts) {
    this.#parts = parts;
    const { route, drivers, settings } = parts;
    this.networks = new Networks({
      ...parts,
      pools: settings.pools,
      defaultBridge: settings.defaultBridge,
      syncFirewall: () => this.#firewall.sync(),
      members: (spec) => this.#members(spec),
      onAdded: (spec) => this.#names.addNetwork(spec),
      onRemoved: (spec) => this.#names.removeNetwork(spec),
    });
    this.#networks = this.networks.registry;
    this.requests = new SandboxRequests(this.#networks);
    this.#names = new NameService({
      dns: parts.dns,
      networks: this.#networks,
      servers: settings.dns,
      options: settings.dnsOptions,
      resolvConf: parts.resolvConf,
    });
    this.#sandboxTable = parts.store.table<SandboxRecord>('sandboxes');
    this.#firewall = parts.firewall(() => this.intent());
    this.#endpoints = new EndpointFactory(this.#networks, route);
    this.#namespaces = new SandboxNamespaces(this.#networks, drivers, new Announcer(parts.log));
    this.#publishing = new Publishing({
      ...parts,
      networks: this.#networks,
      syncFirewall: () => this.#firewall.sync(),
      save: (record) => this.#save(record),
    });
  }

  /** Makes the default networks and the bridges of the stored ones. Sandboxes are adopted afterwards by `restore()`. */
  init(): void {
    const { netnsFolder } = this.#parts.settings;
    prepareNetnsDirectory(netnsFolder);
    bindOwnNetns(join(netnsFolder, HOST_NETNS));
    this.networks.init();
  }

  /** The end of a daemon that leaves no container behind: the folder of namespaces is no mount any more. */
  end(): void {
    this.networks.close();
    if (this.#sandboxes.size > 0) return;
    const { netnsFolder } = this.#parts.settings;
    removeNetns(join(netnsFolder, HOST_NETNS));
    releaseNetnsDirectory(netnsFolder);
  }

  /**
   * Adopts the sandboxes in which containers run and takes away everything else that is ours: half-made sandboxes, those whose
   * containers have all ended meanwhile, namespaces and links without a record.
   */
  async restore(containers: {
    isAlive: (id: string) => boolean;
    exists: (id: string) => boolean;
  }): Promise<void> {
    const { settings, route, log } = this.#parts;
    for (const [, record] of this.#sandboxTable.all()) {
      record.holders = record.holders.filter(containers.isAlive);
      this.#save(record);
      for (const endpoint of record.endpoints) this.#endpoints.restore(endpoint);
    }
    for (const [containerId, record] of [...this.#sandboxes]) {
      if (record.holders.length > 0 && record.phase === 'open' && containers.exists(containerId)) continue;
      await this.#close(record, { sync: false }).catch((error) =>
        log.warn({ container: containerId, error: messageOf(error) }, 'cannot close an old sandbox'),
      );
    }
    await sweepLeftovers(this.sandboxes(), this.#networks.all(), {
      netnsFolder: settings.netnsFolder,
      keep: HOST_NETNS,
      route,
      log,
    });
    for (const record of this.#sandboxes.values()) {
      try {
        this.#names.update(record);
      } catch (error) {
        log.error(
          { container: record.request.containerId, error: messageOf(error) },
          'cannot serve names again',
        );
      }
    }
    await this.#firewall.repair();
    this.networks.reportConflicts();
  }

  /** What a container is called, whether it runs or not; nothing when it is removed. */
  reserveNames(containerId: string, names: readonly string[]): void {
    this.#names.reserve(containerId, names);
  }

  /** Every mapping that the port keeper shall hold. */
  publishedPorts(): PortMapping[] {
    return [...this.#sandboxes.values()].flatMap((record) => record.ports);
  }

  intent(): FirewallIntent {
    const { iptables, ip6tables, userlandProxy, allowDirectRouting } = this.#parts.settings;
    return firewallIntent(
      {
        enabled: { v4: iptables, v6: iptables && ip6tables },
        userlandProxy,
        allowDirectRouting,
        forwardDrop: this.#parts.forwarding.drop,
      },
      this.#networks.all(),
      this.sandboxes(),
    );
  }

  /** From now on the firewall heals when somebody else changes it. Gives the function that ends it. */
  watchFirewall(): () => void {
    return watchFirewall(this.#firewall, this.#parts.log);
  }

  /** How often the firewall has been healed. */
  get firewallRepairs(): number {
    return this.#firewall.repairs;
  }

  sandbox(containerId: string): SandboxInfo | undefined {
    const record = this.#sandboxes.get(containerId);
    return record?.phase === 'open' ? this.#info(record) : undefined;
  }

  /** All sandboxes, for the map of the network. */
  sandboxes(): readonly SandboxRecord[] {
    return [...this.#sandboxes.values()];
  }

  /** Names that the embedded resolver answers for a sandbox, by network; none on networks without names. */
  dnsNames(record: SandboxRecord): Record<string, string[]> {
    return this.#names.names(record);
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
    return this.#networks.all().find((spec) => spec.bridge?.isDefault)?.ipam.subnets[0]?.gateway;
  }

  /** Throws for a request that can never be opened, before anything is made. */
  validate(request: SandboxRequest): void {
    if (request.mode.startsWith('container:')) return;
    this.#networks.find(request.mode);
    if (request.macAddress) parseMac(request.macAddress);
    for (const [ref, asked] of this.requests.wanted(request))
      this.#endpoints.check(this.#networks.find(ref), asked);
    publishRequests({
      bindings: request.portBindings,
      exposed: request.exposedPorts,
      publishAll: request.publishAllPorts,
      defaultHostIp: '',
    });
  }

  /**
   * Chooses addresses and makes the namespace, which is enough for a runtime to prepare a process in it. The process must not run before
   * `wire()` has made endpoints, ports and rules. Whatever step fails, it is for the caller to `leave()`, once its process is not in the
   * namespace any more. Where others have kept the namespace since the container last ran, it is given that one, as it is.
   */
  async open(request: SandboxRequest): Promise<OpenSandbox> {
    const { settings, drivers } = this.#parts;
    const main = this.#networks.find(request.mode);
    const kept = await this.#kept(request);
    if (kept !== undefined) return this.#reopen(kept, request);
    const id = newId();
    const record: SandboxRecord = {
      id,
      request,
      path: join(settings.netnsFolder, main.driver === 'host' ? HOST_NETNS : id.slice(0, 12)),
      endpoints: [],
      ports: [],
      holders: [request.containerId],
      phase: 'opening',
    };
    this.#save(record);
    for (const [ref, asked] of this.requests.wanted(request)) {
      const spec = this.#networks.find(ref);
      if (drivers.of(spec) !== undefined) record.endpoints.push(this.#endpoints.create(spec, record, asked));
    }
    this.#save(record);
    if (main.driver !== 'host') this.#namespaces.make(record);
    return { info: this.#info(record), wire: () => this.#wire(record) };
  }

  async #wire(record: SandboxRecord): Promise<SandboxInfo> {
    // Making links holds this thread for milliseconds: what the caller has just asked of others shall be on its way by then.
    await setImmediate();
    this.#namespaces.wire(record);
    this.#names.update(record);
    await this.#publishing.open(record);
    if (record.endpoints.length > 0) await this.#firewall.sync();
    this.#parts.staleFlows.forget(record.ports);
    record.phase = 'open';
    this.#save(record);
    for (const spec of this.#joined(record)) this.#emitMember('connect', spec, record.request.containerId);
    return this.#info(record);
  }

  /** The namespace that others have kept while its owner was away, if it can be the owner's again. */
  async #kept(request: SandboxRequest): Promise<SandboxRecord | undefined> {
    const record = this.#sandboxes.get(request.containerId);
    if (record === undefined) return undefined;
    const networksOf = ({ mode, networks }: SandboxRequest) => [mode, networks];
    const isSame = isDeepStrictEqual(networksOf(record.request), networksOf(request));
    if (record.phase === 'open' && record.holders.length > 0 && isSame) return record;
    await this.#close(record);
    return undefined;
  }

  /** The same addresses, interfaces and ports; ports that were asked for meanwhile are made, and others taken away. */
  async #reopen(record: SandboxRecord, request: SandboxRequest): Promise<OpenSandbox> {
    const portsOf = ({ portBindings, exposedPorts, publishAllPorts }: SandboxRequest) => [
      portBindings,
      exposedPorts,
      publishAllPorts,
    ];
    const samePorts = isDeepStrictEqual(portsOf(record.request), portsOf(request));
    record.holders.push(request.containerId);
    record.request = request;
    this.#save(record);
    return {
      info: this.#info(record),
      wire: async () => {
        this.#names.update(record);
        if (!samePorts) {
          await this.#publishing.reopen(record);
          await this.#firewall.sync();
        }
        return this.#info(record);
      },
    };
  }

  /** A container is going to run in the namespace of another, which stays from now on until both have left. Throws `conflict`. */
  join(ownerId: string, containerId: string): SandboxInfo {
    const record = this.#sandboxes.get(ownerId);
    if (record?.phase !== 'open') {
      throw conflict(`cannot join network of a non running container: ${ownerId}`);
    }
    record.holders.push(containerId);
    this.#save(record);
    return this.#info(record);
  }

  /** A container runs no more in the namespace, its own or that of another: with the last one, everything goes. Repeating it is fine. */
  async leave(containerId: string): Promise<void> {
    const record = this.sandboxes().find(({ holders }) => holders.includes(containerId));
    if (record === undefined) return;
    record.holders = record.holders.filter((holder) => holder !== containerId);
    if (record.holders.length > 0) this.#save(record);
    else await this.#close(record);
  }

  /**
   * The container is removed: its addresses, ports and names may be wanted by its successor, and go. Those that joined it are left with
   * a namespace of loopback alone, which ends with the last of them.
   */
  async forget(containerId: string): Promise<void> {
    const record = this.#sandboxes.get(containerId);
    if (record !== undefined) await this.#close(record);
  }

  /** Takes everything of the sandbox away; every step is tried. Who comes while it goes on waits for the same end. */
  #close(record: SandboxRecord, options: { sync: boolean } = { sync: true }): Promise<void> {
    const closing =
      this.#closing.get(record.id) ??
      this.#takeAway(record, options).finally(() => this.#closing.delete(record.id));
    this.#closing.set(record.id, closing);
    return closing;
  }

  async #takeAway(record: SandboxRecord, options: { sync: boolean }): Promise<void> {
    const { containerId } = record.request;
    const { publisher, staleFlows, settings } = this.#parts;
    const wasOpen = record.phase === 'open';
    const networks = this.#joined(record);
    // Out of the intent first, so that no rule is written any more for what is going away.
    record.phase = 'closing';
    this.#save(record);
    this.#names.remove(record);
    const isHost = record.path === join(settings.netnsFolder, HOST_NETNS);
    await runAll(`close sandbox of ${containerId}`, [
      () => publisher.unpublish(record.ports),
      () =>
        Promise.all([
          ...record.endpoints.map((endpoint) => this.#namespaces.remove(record, endpoint)),
          options.sync && record.endpoints.length > 0 ? this.#firewall.sync() : undefined,
        ]),
      () => staleFlows.forget(record.ports),
      () => (isHost ? undefined : removeNetns(record.path)),
    ]);
    for (const endpoint of record.endpoints) this.#endpoints.release(endpoint);
    this.#sandboxes.delete(containerId);
    this.#sandboxTable.delete(containerId);
    if (wasOpen) for (const spec of networks) this.#emitMember('disconnect', spec, containerId);
  }

  /** Joins a running container to one more network. */
  async connect(containerId: string, ref: string, asked: EndpointSettings): Promise<void> {
    const spec = this.#networks.find(ref);
    const record = this.#openSandbox(containerId);
    this.requests.checkJoin(record.request, spec);
    this.#endpoints.check(spec, asked);
    if (record.endpoints.some(({ networkId }) => networkId === spec.id)) {
      throw new BridgeportError(
        'forbidden',
        `endpoint with name ${record.request.containerName} already exists in network ${spec.name}`,
      );
    }
    const endpoint = this.#endpoints.create(spec, record, asked);
    record.endpoints.push(endpoint);
    record.request.networks = { ...record.request.networks, [spec.name]: asked };
    if (this.#networks.find(record.request.mode).driver === 'null') record.request.mode = spec.name;
    this.#save(record);
    try {
      this.#namespaces.add(record, endpoint);
      this.#names.update(record);
      await this.#moveGateway(record);
      await this.#firewall.sync();
    } catch (error) {
      await this.disconnect(containerId, spec.id).catch(() => {});
      throw error;
    }
    this.#emitMember('connect', spec, containerId);
  }

  /** Takes a running container out of a network. */
  async disconnect(containerId: string, ref: string): Promise<void> {
    const spec = this.#networks.find(ref);
    const record = this.#openSandbox(containerId);
    const endpoint = record.endpoints.find(({ networkId }) => networkId === spec.id);
    if (endpoint === undefined) {
      throw new BridgeportError(
        'forbidden',
        `container ${containerId} is not connected to network ${spec.name}`,
      );
    }
    const { publisher } = this.#parts;
    const lost = record.ports.filter(({ endpointId }) => endpointId === endpoint.id);
    record.endpoints = record.endpoints.filter((other) => other !== endpoint);
    record.ports = record.ports.filter((port) => !lost.includes(port));
    const { [spec.name]: _name, [spec.id]: _id, ...others } = record.request.networks;
    record.request.networks = others;
    // Another of its networks takes the place of the one that named its mode.
    if (record.request.mode === spec.name || record.request.mode === spec.id) {
      record.request.mode = Object.keys(others)[0] ?? 'none';
    }
    this.#save(record);
    this.#names.removeEndpoint(endpoint);
    await runAll(`disconnect ${containerId} from ${spec.name}`, [
      () => this.#names.update(record),
      () => publisher.unpublish(lost),
      () => this.#namespaces.remove(record, endpoint),
      () => this.#moveGateway(record),
      () => this.#firewall.sync(),
    ]);
    this.#endpoints.release(endpoint);
    this.#emitMember('disconnect', spec, containerId);
  }

  /**
   * Publishes more ports of a running container; all of them or none. Throws `conflict` naming a port that is taken.
   *
   * @returns the mappings that were made
   */
  async addPorts(containerId: string, added: PortMap): Promise<PortMapping[]> {
    return this.#publishing.add(this.#openSandbox(containerId), added);
  }

  /** Takes published ports of a running container away. `bindings`: what it has asked for so far. */
  async removePorts(
    containerId: string,
    bindings: PortMap,
    removal: PortMap,
  ): Promise<{ bindings: PortMap; lost: PortMapping[] }> {
    return this.#publishing.remove(this.#openSandbox(containerId), bindings, removal);
  }

  /** Tells the controller a container's new name. */
  rename(containerId: string, name: string): void {
    const record = this.#sandboxes.get(containerId);
    if (record === undefined) return;
    record.request.containerName = name;
    this.#save(record);
    if (record.phase === 'open') this.#names.update(record);
  }

  /** After endpoints came or went: the default routes follow, and so do published ports. */
  async #moveGateway(record: SandboxRecord): Promise<void> {
    this.#namespaces.updateRoutes(record);
    await this.#publishing.follow(record);
  }

  #openSandbox(containerId: string): SandboxRecord {
    const record = this.#sandboxes.get(containerId);
    if (record?.phase !== 'open') throw invalid(`container ${containerId} has no network to connect`);
    return record;
  }

  #joined(record: SandboxRecord): NetworkSpec[] {
    if (record.endpoints.length === 0) return [this.#networks.find(record.request.mode)];
    return record.endpoints.flatMap(({ networkId }) => this.#networks.byId(networkId) ?? []);
  }

  #info(record: SandboxRecord): SandboxInfo {
    const networks = this.requests.wanted(record.request).map(([ref, asked]) => {
      const spec = this.#networks.find(ref);
      const endpoint = record.endpoints.find(({ networkId }) => networkId === spec.id);
      return [spec.name, this.#endpointView(spec, asked, endpoint, record)] as const;
    });
    return {
      id: record.id,
      path: record.path,
      ports: portMapOf(record.request.exposedPorts, record.ports),
      networks: Object.fromEntries(networks),
      resolver: this.#names.serves(record) ? RESOLVER_ADDRESS : undefined,
    };
  }

  #endpointView(
    spec: NetworkSpec,
    asked: EndpointSettings,
    endpoint: EndpointSpec | undefined,
    record: SandboxRecord,
  ): EndpointSettings {
    const view = endpointView(spec.id, asked, endpoint);
    const hasNames = endpoint !== undefined && isUserDefined(spec);
    return hasNames ? { ...view, DNSNames: dnsNames(endpoint, record.request) } : view;
  }

  #members(spec: NetworkSpec): Array<{ endpoint: EndpointSpec; containerName: string }> {
    return this.sandboxes().flatMap((record) =>
      record.endpoints
        .filter((endpoint) => endpoint.networkId === spec.id)
        .map((endpoint) => ({ endpoint, containerName: record.request.containerName })),
    );
  }

  #emit(action: string, spec: NetworkSpec, more: Record<string, string> = {}): void {
    this.#parts.emit(action, spec.id, { ...more, name: spec.name, type: spec.driver });
  }

  #emitMember(action: string, spec: NetworkSpec, containerId: string): void {
    this.#emit(action, spec, { container: containerId });
  }

  #save(record: SandboxRecord): void {
    const { containerId } = record.request;
    this.#sandboxes.set(containerId, record);
    this.#sandboxTable.put(containerId, record);
  }
}
