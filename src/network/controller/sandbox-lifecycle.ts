/** Sandboxes from the first step to the last: opened, wired, kept for those who joined, taken away. */

import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { conflict, runAll } from '../../base/errors.ts';
import { newId } from '../../base/ids.ts';
import { removeNetns } from '../../kernel/netns/index.ts';
import { publishRequests } from '../ports/request.ts';
import { isClaimed, isKept } from './kept-sandbox.ts';
import { HOST_NETNS } from './namespaces.ts';
import type { OpenSandbox, SandboxInfo, SandboxRequest } from './sandbox.ts';
import type { SandboxRecord } from './sandbox-record.ts';
import type { SandboxServices } from './sandbox-services.ts';

export class SandboxLifecycle {
  readonly #services: SandboxServices;
  /** By the sandbox's id: those that are being taken away. */
  readonly #closing = new Map<string, Promise<void>>();

  constructor(services: SandboxServices) {
    this.#services = services;
  }

  /**
   * Chooses addresses and makes the namespace, which is enough for a runtime to prepare a process in it. The process must not run before
   * `wire()` has made endpoints, ports and rules. Whatever step fails, it is for the caller to `leave()`, once its process is not in the
   * namespace any more. Where others have kept the namespace since the container last ran, it is given that one, as it is.
   */
  async open(request: SandboxRequest): Promise<OpenSandbox> {
    const { drivers, netnsFolder } = this.#services;
    const main = this.#services.networks.find(request.mode);
    const kept = await this.#kept(request);
    if (kept !== undefined) return this.#reopen(kept, request);
    await this.#makeRoom(request);
    const id = newId();
    const record: SandboxRecord = {
      id,
      request,
      path: join(netnsFolder, main.driver === 'host' ? HOST_NETNS : id.slice(0, 12)),
      endpoints: [],
      ports: [],
      holders: [request.containerId],
      phase: 'opening',
    };
    this.#services.records.save(record);
    for (const [ref, asked] of this.#services.requests.wanted(request)) {
      const spec = this.#services.networks.find(ref);
      if (drivers.of(spec) !== undefined)
        record.endpoints.push(this.#services.endpoints.create(spec, record, asked));
    }
    this.#services.records.save(record);
    if (main.driver !== 'host') this.#services.namespaces.make(record);
    return { info: this.#services.view.info(record), wire: () => this.#wire(record) };
  }

  /** Sandboxes that are only kept give way to a container that starts and claims what they have. */
  async #makeRoom(request: SandboxRequest): Promise<void> {
    const { records, requests, networks } = this.#services;
    const kept = records.all().filter(isKept);
    if (kept.length === 0) return;
    const claims = {
      endpoints: requests
        .wanted(request)
        .map(([ref, asked]) => ({ networkId: networks.find(ref).id, asked })),
      ports: publishRequests({
        bindings: request.portBindings,
        exposed: [],
        publishAll: false,
        defaultHostIp: '',
      }),
    };
    for (const record of kept) if (isClaimed(record, claims)) await this.close(record);
  }

  async #wire(record: SandboxRecord): Promise<SandboxInfo> {
    // Making links holds this thread for milliseconds: what the caller has just asked of others shall be on its way by then.
    await setImmediate();
    this.#services.namespaces.wire(record);
    this.#services.names.update(record);
    await this.#services.publishing.open(record);
    if (record.endpoints.length > 0) await this.#services.syncFirewall();
    this.#services.staleFlows.forget(record.ports);
    record.phase = 'open';
    this.#services.records.save(record);
    for (const spec of this.#services.view.networksOf(record))
      this.#services.emitMember('connect', spec, record.request.containerId);
    return this.#services.view.info(record);
  }

  /** The namespace that others have kept while its owner was away, if it can be the owner's again. */
  async #kept(request: SandboxRequest): Promise<SandboxRecord | undefined> {
    const record = this.#services.records.get(request.containerId);
    if (record === undefined) return undefined;
    const networksOf = ({ mode, networks }: SandboxRequest) => [mode, networks];
    const isSame = isDeepStrictEqual(networksOf(record.request), networksOf(request));
    if (record.phase === 'open' && record.holders.length > 0 && isSame) return record;
    await this.close(record);
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
    this.#services.records.save(record);
    return {
      info: this.#services.view.info(record),
      wire: async () => {
        this.#services.names.update(record);
        if (!samePorts) {
          await this.#services.publishing.reopen(record);
          await this.#services.syncFirewall();
        }
        return this.#services.view.info(record);
      },
    };
  }

  /** A container is going to run in the namespace of another, which stays from now on until both have left. Throws `conflict`. */
  join(ownerId: string, containerId: string): SandboxInfo {
    const record = this.#services.records.get(ownerId);
    if (record?.phase !== 'open') {
      throw conflict(`cannot join network of a non running container: ${ownerId}`);
    }
    record.holders.push(containerId);
    this.#services.records.save(record);
    return this.#services.view.info(record);
  }

  /** A container runs no more in the namespace, its own or that of another: with the last one, everything goes. Repeating it is fine. */
  async leave(containerId: string): Promise<void> {
    const record = this.#services.records.all().find(({ holders }) => holders.includes(containerId));
    if (record === undefined) return;
    record.holders = record.holders.filter((holder) => holder !== containerId);
    if (record.holders.length > 0) this.#services.records.save(record);
    else await this.close(record);
  }

  /**
   * The container is removed: its addresses, ports and names may be wanted by its successor, and go. Those that joined it are left with
   * a namespace of loopback alone, which ends with the last of them.
   */
  async forget(containerId: string): Promise<void> {
    const record = this.#services.records.get(containerId);
    if (record !== undefined) await this.close(record);
  }

  /** Takes everything of the sandbox away; every step is tried. Who comes while it goes on waits for the same end. */
  close(record: SandboxRecord, options: { sync: boolean } = { sync: true }): Promise<void> {
    const closing =
      this.#closing.get(record.id) ??
      this.#takeAway(record, options).finally(() => this.#closing.delete(record.id));
    this.#closing.set(record.id, closing);
    return closing;
  }

  async #takeAway(record: SandboxRecord, options: { sync: boolean }): Promise<void> {
    const { containerId } = record.request;
    const { publisher, staleFlows, netnsFolder } = this.#services;
    const wasOpen = record.phase === 'open';
    const networks = this.#services.view.networksOf(record);
    // Out of the intent first, so that no rule is written any more for what is going away.
    record.phase = 'closing';
    this.#services.records.save(record);
    this.#services.names.remove(record);
    const isHost = record.path === join(netnsFolder, HOST_NETNS);
    await runAll(`close sandbox of ${containerId}`, [
      () => publisher.unpublish(record.ports),
      () =>
        Promise.all([
          ...record.endpoints.map((endpoint) => this.#services.namespaces.remove(record, endpoint)),
          options.sync && record.endpoints.length > 0 ? this.#services.syncFirewall() : undefined,
        ]),
      () => staleFlows.forget(record.ports),
      () => (isHost ? undefined : removeNetns(record.path)),
    ]);
    for (const endpoint of record.endpoints)
      this.#services.endpoints.release(endpoint, record.request.containerName);
    this.#services.records.delete(containerId);
    if (wasOpen) for (const spec of networks) this.#services.emitMember('disconnect', spec, containerId);
  }
}
