/**
 * The network controller: networks, sandboxes and everything the kernel holds of them. Desired state is committed to the store before
 * the kernel is touched; whatever is found at start without a record is taken away, whatever has one is adopted.
 */

import { join } from 'node:path';
import { messageOf } from '../../base/errors.ts';
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
import type { Store } from '../../store/store.ts';
import type { DnsServer, ResolvConf } from '../dns/index.ts';
import { Announcer } from '../drivers/announcer.ts';
import type { NetworkDrivers } from '../drivers/driver.ts';
import type { FirewallIntent } from '../firewall/index.ts';
import type { SubnetSpace } from '../ipam/index.ts';
import type { PastOwner, PortMapping } from '../model/index.ts';
import type { PortPublisher } from '../ports/publisher.ts';
import { publishRequests } from '../ports/request.ts';
import type { StaleFlows } from '../ports/stale-flows.ts';
import type { DefaultBridgeSettings } from './default-networks.ts';
import { EndpointFactory } from './endpoint-factory.ts';
import type { FirewallSync } from './firewall-sync.ts';
import { watchFirewall } from './firewall-watch.ts';
import type { Forwarding } from './forwarding.ts';
import { firewallIntent, NetworkIntents } from './intent.ts';
import { Membership } from './membership.ts';
import { NameService } from './name-service.ts';
import { HOST_NETNS, SandboxNamespaces } from './namespaces.ts';
import type { NetworkRegistry } from './network-registry.ts';
import { Networks } from './networks.ts';
import type { OwnWriters } from './own-writers.ts';
import { PastOwners } from './past-owners.ts';
import { Publishing } from './publishing.ts';
import type { OpenSandbox, SandboxInfo, SandboxLink, SandboxRequest } from './sandbox.ts';
import { SandboxLifecycle } from './sandbox-lifecycle.ts';
import type { SandboxRecord } from './sandbox-record.ts';
import { SandboxRecords } from './sandbox-records.ts';
import { SandboxRequests } from './sandbox-requests.ts';
import type { SandboxServices } from './sandbox-services.ts';
import { SandboxView } from './sandbox-view.ts';
import { sweepLeftovers } from './sweep.ts';
import { interfaceStats } from './view.ts';

export type { SandboxRecord } from './sandbox-record.ts';

export interface NetworkSettings {
  /** Folder for namespaces, below the exec root. */
  netnsFolder: string;
  defaultBridge: DefaultBridgeSettings;
  /** `--default-network-opt`, by the driver's name. */
  defaultNetworkOptions: Readonly<Record<string, Readonly<Record<string, string>>>>;
  pools: SubnetSpace;
  userlandProxy: boolean;
  /** With the proxy: the kernel serves localhost. */
  localhostByKernel: boolean;
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
  /** Who writes the firewall for this daemon. */
  writers: OwnWriters;
  /** A network event: `connect`, `disconnect`, `create`, `destroy`. */
  emit: (action: string, networkId: string, attributes: Record<string, string>) => void;
  log: Log;
}

export class NetworkController {
  readonly #parts: NetworkParts;
  readonly networks: Networks;
  readonly requests: SandboxRequests;
  readonly #networks: NetworkRegistry;
  readonly #records: SandboxRecords;
  readonly #view: SandboxView;
  readonly #firewall: FirewallSync;
  readonly #intents = new NetworkIntents();
  readonly #pastOwners = new PastOwners();
  readonly #endpoints: EndpointFactory;
  readonly #names: NameService;
  readonly #publishing: Publishing;
  readonly #lifecycle: SandboxLifecycle;
  readonly #membership: Membership;

  constructor(parts: NetworkParts) {
    this.#parts = parts;
    const { route, drivers, settings } = parts;
    this.networks = new Networks({
      ...parts,
      pools: settings.pools,
      defaultBridge: settings.defaultBridge,
      defaultNetworkOptions: settings.defaultNetworkOptions,
      syncFirewall: () => this.#firewall.sync(),
      members: (spec) => this.#records.membersOf(spec),
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
    this.#records = new SandboxRecords(parts.store);
    this.#view = new SandboxView(this.#networks, this.requests, this.#names);
    this.#firewall = parts.firewall(() => this.intent());
    this.#endpoints = new EndpointFactory(this.#networks, drivers, route, this.#pastOwners);
    this.#publishing = new Publishing({
      ...parts,
      networks: this.#networks,
      syncFirewall: () => this.#firewall.sync(),
      save: (record) => this.#records.save(record),
    });
    const services: SandboxServices = {
      ...parts,
      records: this.#records,
      networks: this.#networks,
      requests: this.requests,
      view: this.#view,
      endpoints: this.#endpoints,
      namespaces: new SandboxNamespaces(this.#networks, drivers, new Announcer(parts.log)),
      names: this.#names,
      publishing: this.#publishing,
      netnsFolder: settings.netnsFolder,
      syncFirewall: () => this.#firewall.sync(),
      emitMember: (action, spec, container) =>
        parts.emit(action, spec.id, { container, name: spec.name, type: spec.driver }),
    };
    this.#lifecycle = new SandboxLifecycle(services);
    this.#membership = new Membership(services);
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
    if (this.#records.all().length > 0) return;
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
    for (const record of this.#records.stored()) {
      record.holders = record.holders.filter(containers.isAlive);
      this.#records.save(record);
      for (const endpoint of record.endpoints) this.#endpoints.restore(endpoint);
    }
    for (const record of this.#records.all()) {
      const { containerId } = record.request;
      if (record.holders.length > 0 && record.phase === 'open' && containers.exists(containerId)) continue;
      await this.#lifecycle
        .close(record, { sync: false })
        .catch((error) =>
          log.warn({ container: containerId, error: messageOf(error) }, 'cannot close an old sandbox'),
        );
    }
    await sweepLeftovers(this.sandboxes(), this.#networks.all(), {
      netnsFolder: settings.netnsFolder,
      keep: HOST_NETNS,
      route,
      log,
    });
    for (const record of this.#records.all()) {
      await this.#membership
        .finish(record)
        .catch((error) =>
          log.error(
            { container: record.request.containerId, error: messageOf(error) },
            'cannot finish a change of networks',
          ),
        );
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
    return this.#records.all().flatMap((record) => record.ports);
  }

  intent(): FirewallIntent {
    const { iptables, ip6tables, userlandProxy, localhostByKernel, allowDirectRouting } =
      this.#parts.settings;
    return firewallIntent(
      {
        enabled: { v4: iptables, v6: iptables && ip6tables },
        userlandProxy,
        localhostByKernel,
        allowDirectRouting,
        forwardDrop: this.#parts.forwarding.drop,
      },
      this.#networks.all(),
      this.sandboxes(),
      this.#intents,
    );
  }

  /** What others have undone on the host is done again, as at a start: bridges, their addresses and ports, forwarding, every rule. */
  async repair(): Promise<void> {
    this.networks.repair();
    await this.#firewall.repair();
  }

  /** From now on the firewall heals when somebody else changes it. Gives the function that ends it. */
  watchFirewall(): () => void {
    const { writers, log } = this.#parts;
    return watchFirewall(this.#firewall, { writers, log });
  }

  /** How often the firewall has been healed. */
  get firewallRepairs(): number {
    return this.#firewall.repairs;
  }

  sandbox(containerId: string): SandboxInfo | undefined {
    const record = this.#records.get(containerId);
    return record?.phase === 'open' ? this.#view.info(record) : undefined;
  }

  /** All sandboxes, for the map of the network. */
  sandboxes(): readonly SandboxRecord[] {
    return this.#records.all();
  }

  /** Who had addresses before, since this daemon started. */
  pastOwners(): readonly PastOwner[] {
    return this.#pastOwners.all();
  }

  /** Names that the embedded resolver answers for a sandbox, by network; none on networks without names. */
  dnsNames(record: SandboxRecord): Record<string, string[]> {
    return this.#names.names(record);
  }

  /** Counters of the interfaces in a container's own namespace, by their names; undefined when it has none. */
  interfaceStats(containerId: string): Record<string, NetworkInterfaceStats> | undefined {
    const record = this.#records.get(containerId);
    if (record === undefined || record.endpoints.length === 0) return undefined;
    using inside = RouteClient.open(record.path);
    return Object.fromEntries(
      inside
        .links()
        .filter((link) => !link.loopback)
        .map(({ name, stats }) => [name, interfaceStats(stats)]),
    );
  }

  /** Gateway addresses of the default bridge, one for each family: what `host-gateway` means. */
  get defaultGateways(): string[] {
    const subnets = this.#networks.all().find((spec) => spec.bridge?.isDefault)?.ipam.subnets ?? [];
    return subnets.flatMap(({ gateway }) => gateway ?? []);
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
  open(request: SandboxRequest): Promise<OpenSandbox> {
    return this.#lifecycle.open(request);
  }

  /** A container is going to run in the namespace of another, which stays from now on until both have left. Throws `conflict`. */
  join(ownerId: string, containerId: string): SandboxInfo {
    return this.#lifecycle.join(ownerId, containerId);
  }

  /** A container runs no more in the namespace, its own or that of another: with the last one, everything goes. Repeating it is fine. */
  leave(containerId: string): Promise<void> {
    return this.#lifecycle.leave(containerId);
  }

  /**
   * The container is removed: its addresses, ports and names may be wanted by its successor, and go. Those that joined it are left with
   * a namespace of loopback alone, which ends with the last of them.
   */
  forget(containerId: string): Promise<void> {
    return this.#lifecycle.forget(containerId);
  }

  /** Joins an open sandbox to one more network. */
  connect(containerId: string, ref: string, asked: EndpointSettings): Promise<void> {
    return this.#membership.connect(containerId, ref, asked);
  }

  /** Takes an open sandbox out of a network. */
  disconnect(containerId: string, ref: string): Promise<void> {
    return this.#membership.disconnect(containerId, ref);
  }

  /**
   * Publishes more ports of a running container; all of them or none. Throws `conflict` naming a port that is taken.
   * `bindings`: what it has asked for so far.
   */
  async addPorts(
    containerId: string,
    bindings: PortMap,
    added: PortMap,
  ): Promise<{ bindings: PortMap; made: PortMapping[] }> {
    return this.#publishing.add(this.#records.open(containerId), bindings, added);
  }

  /** Takes published ports of a running container away. `bindings`: what it has asked for so far. */
  async removePorts(
    containerId: string,
    bindings: PortMap,
    removal: PortMap,
  ): Promise<{ bindings: PortMap; lost: PortMapping[] }> {
    return this.#publishing.remove(this.#records.open(containerId), bindings, removal);
  }

  /** Other links than it was made with: what the firewall opens for them follows. */
  async setLinks(containerId: string, links: SandboxLink[]): Promise<void> {
    const record = this.#records.get(containerId);
    if (record === undefined) return;
    record.request.links = links;
    this.#records.save(record);
    await this.#firewall.sync();
  }

  /** Tells the controller a container's new name. */
  rename(containerId: string, name: string): void {
    const record = this.#records.get(containerId);
    if (record === undefined) return;
    record.request.containerName = name;
    this.#records.save(record);
    if (record.phase === 'open') this.#names.update(record);
  }
}
