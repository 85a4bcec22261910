/** One daemon: everything is made here and handed to each other, started in order and ended in the opposite one. */

import { mkdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Backend } from '../api/backend.ts';
import { serveMetrics } from '../api/metrics-server.ts';
import { type ApiServer, createApiServer } from '../api/server.ts';
import { conflict, messageOf, notImplemented } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { parseHost, parseMetricsAddress } from '../config/hosts.ts';
import type { DaemonConfig } from '../config/table.ts';
import { BuildService } from '../engine/build/service.ts';
import type { EngineContext, ResolvedImage } from '../engine/context.ts';
import { Engine } from '../engine/engine.ts';
import { EventBus } from '../engine/events/bus.ts';
import { ImageService } from '../engine/images/service.ts';
import type { SystemFacts } from '../engine/system/info.ts';
import { tryLock } from '../kernel/files/index.ts';
import { RouteClient } from '../kernel/netlink/index.ts';
import { warmThreadPool } from '../kernel/netns/index.ts';
import type { NetworkController } from '../network/controller/controller.ts';
import { LocalPortWatch } from '../network/ports/local-ports.ts';
import { ProxyProcess } from '../network/ports/proxy-process.ts';
import { OperationCounters } from '../observe/metrics/operations.ts';
import { type Containerd, connectContainerd } from '../runtime/containerd/client.ts';
import { ManagedContainerd } from '../runtime/containerd/managed.ts';
import { RegistryClient } from '../runtime/registry/client.ts';
import { Store } from '../store/store.ts';
import { createBackend } from './backend.ts';
import { engineSettings, runcRoot, SNAPSHOTTER } from './engine-settings.ts';
import { reloadableFacts, systemFacts } from './facts.ts';
import { createHostSystem } from './host-system.ts';
import { apiAddress, pageAddress } from './listen.ts';
import { canServeLocalhost, createNetwork, firewallOf, localPortRange } from './network.ts';
import { createObserveBackend } from './observe.ts';
import { PageServer } from './page.ts';
import { topologyRecords } from './topology.ts';
import { VERSION } from './version.ts';

/** Milliseconds that the start of containers may keep the API waiting. */
const POLICY_PATIENCE = 15_000;
/** Milliseconds that an outside containerd gets to answer. */
const CONTAINERD_TIMEOUT = 10_000;
/** Milliseconds that requests wait while containerd is being started again. */
const CONTAINERD_RESTART = 5000;

export class Daemon {
  readonly #config: DaemonConfig;
  readonly #log: Log;
  /** What was started, in order; ended backwards. */
  readonly #ends: Array<{ name: string; end: () => unknown }> = [];
  #events: EventBus | undefined;
  #registry: RegistryClient | undefined;
  #network: NetworkController | undefined;
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
    this.#lockRoots();
    const [, containerd, localhostByKernel] = await Promise.all([
      warmThreadPool(),
      this.#startContainerd(),
      canServeLocalhost(config, log),
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
    const network = createNetwork({
      ...{ config, log, store, route, keeper, events, localhostByKernel },
      onEnd: (name, end) => this.#onEnd(name, end),
    });
    this.#network = network.controller;
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
      settings: engineSettings(config),
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
    await keeper.set(network.publisher.adopt(network.controller.publishedPorts()));
    const localPorts = new LocalPortWatch({ stats: () => keeper.stats(), range: localPortRange, log });
    localPorts.start();
    this.#onEnd('stop watching local ports', () => localPorts.stop());

    const operations = new OperationCounters();
    const facts = await systemFacts(config, store, containerd, host);
    this.#shown = facts;
    const page = new PageServer({ address: pageAddress(config), backend: () => backend, log });
    const backend: Backend = createBackend({
      engine,
      images,
      build: new BuildService(context, engine, images),
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

  /** Takes over what may change while the daemon runs, and puts right what others have undone of its network. */
  reload(config: DaemonConfig, attributes: Record<string, string>): void {
    this.#liveRestore = config.liveRestore;
    this.#registry?.configure(registryConfig(config));
    if (this.#shown !== undefined) Object.assign(this.#shown, reloadableFacts(config));
    this.#network?.repair().catch((error) => {
      this.#log.error({ error: messageOf(error) }, 'cannot put the network right');
    });
    this.#events?.publish('daemon', 'reload', 'bridgeport', attributes);
  }

  #onEnd(name: string, end: () => unknown): void {
    this.#ends.push({ name, end });
  }

  /** Two daemons on one root would each take the other's containers for leftovers of an earlier life. */
  #lockRoots(): void {
    const roots = { '--data-root': this.#config.dataRoot, '--exec-root': this.#config.execRoot };
    const locked = new Set<string>();
    for (const [flag, root] of Object.entries(roots)) {
      const path = realpathSync(root);
      if (locked.has(path)) continue;
      const lock = tryLock(path);
      if (lock === undefined) throw conflict(`${flag} "${root}" is in use by another daemon`);
      locked.add(path);
      this.#onEnd(`unlock ${path}`, () => lock[Symbol.dispose]());
    }
  }

  async #startContainerd(): Promise<Containerd> {
    const config = this.#config;
    let address = config.containerd;
    let state: string | undefined;
    if (address === '') {
      state = join(config.execRoot, 'containerd');
      const managed = await ManagedContainerd.start({
        root: join(config.dataRoot, 'containerd'),
        state,
        log: (level, message) => this.#log[level]({ part: 'containerd' }, message),
      });
      this.#onEnd('end containerd', () => (this.#liveRestore ? managed.release() : managed.stop()));
      address = managed.socket;
    }
    const client = connectContainerd({
      address,
      state,
      namespace: config.containerdNamespace,
      snapshotter: SNAPSHOTTER,
      runc: { root: runcRoot(config) },
      reconnectMs: CONTAINERD_RESTART,
    });
    await client.ready(CONTAINERD_TIMEOUT);
    this.#onEnd('close the containerd client', () => client.close());
    return client;
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

function registryConfig(config: DaemonConfig): { insecureRegistries: string[]; mirrors: string[] } {
  return { insecureRegistries: [...config.insecureRegistries], mirrors: [...config.registryMirrors] };
}

function resolvedImage(image: Awaited<ReturnType<ImageService['resolve']>>): ResolvedImage {
  return {
    id: image.id,
    platform: `${image.platform.os}/${image.platform.architecture}`,
    chainId: image.chainId,
    defaults: image.config as ResolvedImage['defaults'],
  };
}
