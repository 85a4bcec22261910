/** One daemon: everything is made here and handed to each other, started in order and ended in the opposite one. */

import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Backend } from '../api/backend.ts';
import { serveMetrics } from '../api/metrics-server.ts';
import { type ApiServer, createApiServer } from '../api/server.ts';
import { messageOf, notImplemented } from '../base/errors.ts';
import { newId } from '../base/ids.ts';
import type { Log } from '../base/log.ts';
import type { PortRange } from '../base/ports.ts';
import { Prefix } from '../base/prefix.ts';
import { parseHost, parseMetricsAddress } from '../config/hosts.ts';
import type { DaemonConfig } from '../config/table.ts';
import type { EngineContext, ResolvedImage } from '../engine/context.ts';
import { Engine } from '../engine/engine.ts';
import { EventBus } from '../engine/events/bus.ts';
import { ImageService } from '../engine/images/service.ts';
import type { SystemFacts } from '../engine/system/info.ts';
import { probeFeature } from '../kernel/features.ts';
import { IptablesRunner } from '../kernel/iptables/index.ts';
import { ConntrackClient, RouteClient } from '../kernel/netlink/index.ts';
import { warmThreadPool } from '../kernel/netns/index.ts';
import { NftContext } from '../kernel/nft/index.ts';
import { readSysctl, tryReadSysctl } from '../kernel/sysctl.ts';
import { AppliedRules } from '../network/controller/applied-rules.ts';
import { NetworkController } from '../network/controller/controller.ts';
import type { FirewallBackend } from '../network/controller/firewall-backend.ts';
import { FirewallSync } from '../network/controller/firewall-sync.ts';
import { Forwarding } from '../network/controller/forwarding.ts';
import { IptablesBackend } from '../network/controller/iptables-backend.ts';
import { canRouteLocalhost, LocalhostRouting } from '../network/controller/localhost-routing.ts';
import { NftablesBackend, type NftTables } from '../network/controller/nftables-backend.ts';
import { OwnWriters } from '../network/controller/own-writers.ts';
import { DnsServer, type ResolvConf, watchResolvConf } from '../network/dns/index.ts';
import { BridgeDriver } from '../network/drivers/bridge.ts';
import { NetworkDrivers } from '../network/drivers/driver.ts';
import { ParentDriver } from '../network/drivers/parent.ts';
import { DOCKER_DEFAULT_POOLS, SubnetSpace, ulaPool } from '../network/ipam/index.ts';
import { LocalPortWatch } from '../network/ports/local-ports.ts';
import { ProxyProcess } from '../network/ports/proxy-process.ts';
import { PortPublisher } from '../network/ports/publisher.ts';
import { StaleFlows } from '../network/ports/stale-flows.ts';
import { OperationCounters } from '../observe/metrics/operations.ts';
import { type Containerd, connectContainerd } from '../runtime/containerd/client.ts';
import { ManagedContainerd } from '../runtime/containerd/managed.ts';
import { RegistryClient } from '../runtime/registry/client.ts';
import { Store } from '../store/store.ts';
import { createBackend } from './backend.ts';
import { gitCommit } from './git-commit.ts';
import { createHostSystem } from './host-system.ts';
import { apiAddress, pageAddress } from './listen.ts';
import { createObserveBackend } from './observe.ts';
import { PageServer } from './page.ts';
import { topologyRecords } from './topology.ts';

export const VERSION = '0.1.0';
const SNAPSHOTTER = 'overlayfs';
/** Milliseconds that the start of containers may keep the API waiting. */
const POLICY_PATIENCE = 15_000;
/** Milliseconds that an outside containerd gets to answer. */
const CONTAINERD_TIMEOUT = 10_000;
/** Static init programs, by preference: Docker's own name, Debian's package tini. */
const INIT_PROGRAMS = [
  '/usr/bin/docker-init',
  '/usr/libexec/docker/docker-init',
  '/usr/bin/tini-static',
  '/sbin/tini-static',
];

export class Daemon {
  readonly #config: DaemonConfig;
  readonly #log: Log;
  /** What was started, in order; ended backwards. */
  readonly #ends: Array<{ name: string; end: () => unknown }> = [];
  #events: EventBus | undefined;
  #registry: RegistryClient | undefined;
  #liveRestore: boolean;
  /** What `info` shows of it. */
  #shown: SystemFacts | undefined;

  constructor(config: DaemonConfig, log: Log) {
    this.#config = config;
    this.#log = log;
    this.#liveRestore = config.liveRestore;
  }

  async start(): Promise<void> {
    const config = this.#config;
    const log = this.#log;
    mkdirSync(config.dataRoot, { recursive: true, mode: 0o710 });
    mkdirSync(config.execRoot, { recursive: true, mode: 0o711 });
    const [, containerd, localhostByKernel] = await Promise.all([
      warmThreadPool(),
      this.#startContainerd(),
      this.#canServeLocalhost(),
    ]);
    const store = Store.open(join(config.dataRoot, 'bridgeport.db'));
    this.#onEnd('close the store', () => store.close());
    const events = new EventBus();
    this.#events = events;

    const route = RouteClient.open();
    this.#onEnd('close netlink', () => route.close());
    const keeper = new ProxyProcess({
      controlPath: join(config.execRoot, 'ports.sock'),
      cacheDirectory: join(config.dataRoot, 'node-cache'),
      log: { info: (message) => log.info({}, message), warn: (message) => log.warn({}, message) },
    });
    const host = createHostSystem(keeper);
    const network = this.#network(store, route, keeper, events, localhostByKernel);
    network.controller.init();
    this.#onEnd('leave the namespaces', () => network.controller.end());
    const keeperReady = keeper.start();
    this.#onEnd('end the port keeper', () => (this.#liveRestore ? keeper.detach() : keeper.stop()));

    const registry = new RegistryClient({
      ...registryConfig(config),
      maxConcurrentDownloads: config.maxConcurrentDownloads,
      retry: { attempts: config.maxDownloadAttempts },
    });
    this.#registry = registry;
    this.#onEnd('close the registry client', () => registry.close());

    let engine: Engine | undefined;
    const images = new ImageService({
      containerd,
      registry,
      snapshotter: SNAPSHOTTER,
      emit: (action, id, attributes) => events.publish('image', action, id, attributes),
      usedBy: (imageId) =>
        (engine?.registry.all() ?? [])
          .filter((container) => container.record.imageId === imageId)
          .map((container) => ({ id: container.id, running: container.isRunning })),
      log: { warn: (message) => log.warn({}, message) },
    });
    const context: EngineContext = {
      settings: this.#settings(),
      containerd,
      network: network.controller,
      images: {
        resolve: async (reference, platform) => resolvedImage(await images.resolve(reference, platform)),
      },
      events,
      host,
      log,
    };
    engine = new Engine({ context, store });
    await engine.start();
    const running = engine;
    this.#onEnd('stop the containers', () => running.stop({ stopContainers: !this.#liveRestore }));
    await keeperReady;
    await keeper.set(network.publisher.keeperMappings(network.controller.publishedPorts()));
    const localPorts = new LocalPortWatch({ stats: () => keeper.stats(), range: localPortRange, log });
    localPorts.start();
    this.#onEnd('stop watching local ports', () => localPorts.stop());

    const operations = new OperationCounters();
    const facts = await this.#facts(store, containerd, host);
    this.#shown = facts;
    const page = new PageServer({ address: pageAddress(config), backend: () => backend, log });
    const backend: Backend = createBackend({
      engine,
      images,
      events,
      facts,
      login: (auth, signal) => registry.login(auth, signal),
      observe: createObserveBackend({
        version: VERSION,
        records: topologyRecords(engine, network.controller),
        network: network.controller,
        keeper,
        publisher: network.publisher,
        localPortRange,
        dns: network.dns,
        nameServers: config.dns,
        dataRoot: config.dataRoot,
        execRoot: config.execRoot,
        firewall: firewallOf(config),
        userlandProxy: config.userlandProxy,
        operations,
        log,
      }),
      page,
    });
    // Who finds the daemon answering after its restart finds the containers running too, as with Docker.
    if (config.restart)
      await Promise.race([engine.startByPolicy(), sleep(POLICY_PATIENCE, undefined, { ref: false })]);
    const { minApiVersion } = config;
    await this.#serve(
      createApiServer(backend, { log, minApiVersion, onAnswered: (answered) => operations.count(answered) }),
    );
    if (config.metricsAddr !== '') {
      const address = { kind: 'tcp', ...parseMetricsAddress(config.metricsAddr) } as const;
      this.#onEnd('close the metrics', await serveMetrics(address, () => backend.observe.metrics(), log));
    }
    this.#onEnd('close the page', () => page.close());
    await page.start();
    if (config.iptables) this.#onEnd('stop watching the firewall', network.controller.watchFirewall());
    log.info({ version: VERSION, hosts: config.hosts }, 'ready');
  }

  /** Ends everything that was started, in the opposite order; every step is tried. */
  async stop(): Promise<void> {
    for (const { name, end } of this.#ends.reverse()) {
      try {
        await end();
      } catch (error) {
        this.#log.error({ step: name, error: messageOf(error) }, 'shutdown step failed');
      }
    }
    this.#ends.length = 0;
  }

  /** Takes over what may change while the daemon runs. */
  reload(config: DaemonConfig, attributes: Record<string, string>): void {
    this.#liveRestore = config.liveRestore;
    this.#registry?.configure(registryConfig(config));
    if (this.#shown !== undefined) Object.assign(this.#shown, reloadableFacts(config));
    this.#events?.publish('daemon', 'reload', 'bridgeport', attributes);
  }

  #onEnd(name: string, end: () => unknown): void {
    this.#ends.push({ name, end });
  }

  async #startContainerd(): Promise<Containerd> {
    const config = this.#config;
    let address = config.containerd;
    if (address === '') {
      const managed = await ManagedContainerd.start({
        root: join(config.dataRoot, 'containerd'),
        state: join(config.execRoot, 'containerd'),
        log: (level, message) => this.#log[level]({ part: 'containerd' }, message),
      });
      this.#onEnd('end containerd', () => (this.#liveRestore ? managed.release() : managed.stop()));
      address = managed.socket;
    }
    const client = connectContainerd({
      address,
      namespace: config.containerdNamespace,
      snapshotter: SNAPSHOTTER,
      runc: { root: join(config.execRoot, 'runc') },
    });
    await client.ready(CONTAINERD_TIMEOUT);
    this.#onEnd('close the containerd client', () => client.close());
    return client;
  }

  /** `--localhost-nat`, where this host has what it takes: without table raw nothing would protect 127.0.0.0/8. */
  async #canServeLocalhost(): Promise<boolean> {
    const firewall = firewallOf(this.#config);
    if (!this.#config.localhostNat || !this.#config.userlandProxy || firewall === 'none') return false;
    try {
      if (firewall === 'iptables') await new IptablesRunner({ family: 4 }).save('raw');
      if (canRouteLocalhost()) return true;
      throw new Error('route_localnet cannot be set');
    } catch (error) {
      this.#log.info({ error: messageOf(error) }, 'the userland proxy serves localhost');
      return false;
    }
  }

  #network(
    store: Store,
    route: RouteClient,
    keeper: ProxyProcess,
    events: EventBus,
    localhostByKernel: boolean,
  ) {
    const config = this.#config;
    const log = this.#log;
    const kernelServes = config.iptables;
    const publisher = new PortPublisher(keeper, {
      userlandProxy: config.userlandProxy,
      kernelServes,
      hostHasIPv6: tryReadSysctl('net/ipv6/conf/all/disable_ipv6') === '0',
      ephemeralRange: localPortRange,
      published: () => controller.publishedPorts(),
      sctpMissing: existsSync('/proc/sys/net/sctp') ? null : 'this kernel has no SCTP (CONFIG_IP_SCTP)',
    });
    const writers = new OwnWriters(process.pid);
    const backends = this.#firewallBackends(store, writers);
    const chosen = firewallOf(config);
    const pools = config.defaultAddressPools.map(({ base, size }) => ({
      base: Prefix.parse(String(base)),
      size,
    }));
    const { dns, resolvConf } = this.#dns();
    const conntrack = ConntrackClient.open();
    this.#onEnd('close connection tracking', () => conntrack.close());
    const controller: NetworkController = new NetworkController({
      settings: {
        netnsFolder: join(config.execRoot, 'netns'),
        defaultBridge: {
          bridge: config.bridge,
          v4: { bip: config.bip, fixedCidr: config.fixedCidr, defaultGateway: config.defaultGateway },
          enableIPv6: config.ipv6,
          v6: {
            bip: config.bip6,
            fixedCidr: config.fixedCidrV6,
            defaultGateway: config.defaultGatewayV6,
          },
          icc: config.icc,
          ipMasq: config.ipMasq,
          ip: config.ip === '0.0.0.0' ? '' : config.ip,
          mtu: config.mtu === 0 ? 1500 : config.mtu,
        },
        pools: new SubnetSpace([
          ...(pools.some(({ base }) => base.family === 4) ? [] : DOCKER_DEFAULT_POOLS),
          ...pools,
          ...(pools.some(({ base }) => base.family === 6) ? [] : [ulaPool(engineId(store))]),
        ]),
        defaultNetworkOptions: config.defaultNetworkOpts,
        userlandProxy: config.userlandProxy,
        localhostByKernel,
        iptables: config.iptables,
        ip6tables: config.ip6tables,
        dns: config.dns,
        dnsOptions: config.dnsOpts,
        allowDirectRouting: config.allowDirectRouting,
      },
      store,
      route,
      drivers: new NetworkDrivers([
        new BridgeDriver(route, config, log),
        new ParentDriver('macvlan', route, log),
        new ParentDriver('ipvlan', route, log),
      ]),
      dns,
      resolvConf,
      forwarding: new Forwarding(
        { enabled: config.ipForward, dropAllowed: config.iptables && !config.ipForwardNoDrop },
        store,
        route,
        log,
      ),
      publisher,
      staleFlows: new StaleFlows(conntrack, route),
      firewall: (intent) =>
        new FirewallSync({
          backend: chosen === 'none' ? undefined : backends[chosen],
          others: Object.values(backends).filter(({ name }) => name !== chosen),
          intent,
          localhost: new LocalhostRouting(store.table<boolean>('route_localnet'), log),
        }),
      writers,
      emit: (action, id, attributes) => events.publish('network', action, id, attributes),
      log,
    });
    return { controller, publisher, dns };
  }

  /** The embedded resolver, which follows the host's name servers. */
  #dns(): { dns: DnsServer; resolvConf: () => ResolvConf } {
    const log = this.#log.child({ part: 'dns' });
    const upstreams = (conf: { nameservers: readonly string[] }) =>
      conf.nameservers.map((address) => ({ address, from: 'host' as const }));
    const watch = watchResolvConf({ log, onChange: (conf) => dns.setUpstreams(upstreams(conf)) });
    const dns = new DnsServer({ log, upstreams: upstreams(watch.current) });
    this.#onEnd('close the resolver', () => {
      watch[Symbol.dispose]();
      dns[Symbol.dispose]();
    });
    return { dns, resolvConf: () => watch.current };
  }

  #firewallBackends(store: Store, writers: OwnWriters): Record<'iptables' | 'nftables', FirewallBackend> {
    const log = this.#log;
    const programs = (family: 4 | 6) => {
      const iptables = new IptablesRunner({ family, onStart: (pid) => writers.add(pid) });
      return {
        restore: (text: string) => iptables.restore(text, { noflush: true }),
        save: () => iptables.save(),
      };
    };
    return {
      iptables: new IptablesBackend({
        programs: { v4: programs(4), v6: programs(6) },
        applied: new AppliedRules(store),
        log,
      }),
      nftables: new NftablesBackend({
        open: () => {
          const context = NftContext.open();
          this.#onEnd('close nftables', () => context.close());
          return context;
        },
        applied: store.table<NftTables>('firewall_nftables'),
        log,
      }),
    };
  }

  #settings(): EngineContext['settings'] {
    const config = this.#config;
    return {
      dataRoot: config.dataRoot,
      execRoot: config.execRoot,
      snapshotter: SNAPSHOTTER,
      cgroupParent: config.cgroupParent || 'bridgeport',
      initPath: config.initPath || INIT_PROGRAMS.find((path) => existsSync(path)),
      defaults: {
        hasDefaultBridge: config.bridge !== 'none',
        logDriver: config.logDriver,
        logOptions: { ...config.logOpts },
        dns: [...config.dns],
        dnsOptions: [...config.dnsOpts],
        dnsSearch: [...config.dnsSearch],
        shmSize: Number(config.defaultShmSize),
        init: config.init,
        ipcMode: config.defaultIpcMode || 'private',
        cgroupnsMode: config.defaultCgroupnsMode,
        ulimits: Object.values(config.defaultUlimits).map(({ name, soft, hard }) => ({
          Name: name,
          Soft: soft,
          Hard: hard,
        })),
        noNewPrivileges: config.noNewPrivileges,
        seccompProfile: readSeccompProfile(config.seccompProfile),
      },
      hostGatewayIps: [...config.hostGatewayIps],
      liveRestore: config.liveRestore,
      shutdownTimeout: config.shutdownTimeout,
      cpus: cpus().length,
    };
  }

  async #facts(
    store: Store,
    containerd: Containerd,
    host: ReturnType<typeof createHostSystem>,
  ): Promise<SystemFacts> {
    const config = this.#config;
    return {
      version: VERSION,
      gitCommit: gitCommit(join(import.meta.dirname, '..', '..')),
      buildTime: '',
      nodeVersion: process.versions.node,
      containerdVersion: (await containerd.version()).version,
      runcVersion: await runcVersion(),
      id: engineId(store),
      dataRoot: config.dataRoot,
      ...reloadableFacts(config),
      iptables: config.iptables,
      ipForwarding: readFileSync('/proc/sys/net/ipv4/ip_forward', 'utf8').trim() === '1',
      cgroupVersion: host.cgroupVersion,
      controllers: host.cgroupControllers,
      hasSeccomp: host.hasSeccomp,
      snapshotter: SNAPSHOTTER,
      hasInit: INIT_PROGRAMS.some((path) => existsSync(path)),
      logDriver: config.logDriver,
      firewallBackend: firewallOf(config),
      networkDrivers: networkDrivers(),
      warnings: [],
    };
  }

  async #serve(server: ApiServer): Promise<void> {
    for (const host of this.#config.hosts) {
      const address = apiAddress(parseHost(host), this.#config);
      if (address === undefined) throw notImplemented(`listening on ${host}`);
      await server.listen(address);
    }
    this.#onEnd('close the API', () => server.close({ graceMs: 1000 }));
  }
}

/** In Docker's order. */
function networkDrivers(): string[] {
  const known = (['ipvlan', 'macvlan'] as const).filter((name) => probeFeature(name).available !== false);
  return ['bridge', 'host', ...known, 'null'];
}

/** Where the kernel, and we, choose ports from. */
function localPortRange(): PortRange {
  const [start = 32_768, end = 60_999] = readSysctl('net/ipv4/ip_local_port_range').split(/\s+/).map(Number);
  return { start, end };
}

/** `builtin`, `unconfined`, or a file's JSON text. */
function readSeccompProfile(path: string): string {
  if (path === '' || path === 'builtin') return '';
  return path === 'unconfined' ? path : readFileSync(path, 'utf8');
}

/** Chosen at the first start, and the same ever after. */
function engineId(store: Store): string {
  const meta = store.table<string>('meta');
  const id = meta.get('engine_id') ?? newId();
  meta.put('engine_id', id);
  return id;
}

/** The firewall that the flags choose; `none` is `iptables: false`. */
function firewallOf(config: DaemonConfig): 'iptables' | 'nftables' | 'none' {
  if (!config.iptables) return 'none';
  return config.firewallBackend === 'nftables' ? 'nftables' : 'iptables';
}

function registryConfig(config: DaemonConfig): { insecureRegistries: string[]; mirrors: string[] } {
  return { insecureRegistries: [...config.insecureRegistries], mirrors: [...config.registryMirrors] };
}

/** What `info` shows of the configuration that a reload may change. */
function reloadableFacts(config: DaemonConfig) {
  return {
    labels: [...config.labels],
    debug: config.debug,
    liveRestore: config.liveRestore,
    insecureRegistries: [...config.insecureRegistries],
    mirrors: [...config.registryMirrors],
  };
}

function resolvedImage(image: Awaited<ReturnType<ImageService['resolve']>>): ResolvedImage {
  return {
    id: image.id,
    platform: `${image.platform.os}/${image.platform.architecture}`,
    chainId: image.chainId,
    defaults: image.config as ResolvedImage['defaults'],
  };
}

/** `1.1.5+ds1`, or empty when runc cannot be run. */
async function runcVersion(): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)('runc', ['--version'], { timeout: 5000 });
    return /^runc version (\S+)/m.exec(stdout)?.[1] ?? '';
  } catch {
    return '';
  }
}
