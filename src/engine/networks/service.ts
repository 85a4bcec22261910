/** Networks as the API asks for them: what concerns containers that do not run is settled here, the rest by the controller. */

import { BridgeportError, conflict, invalid, notFound } from '../../base/errors.ts';
import type {
  EndpointSettings,
  Filters,
  NetworkConnectBody,
  NetworkCreateBody,
  NetworkDisconnectBody,
  NetworkInspect,
} from '../../base/wire/index.ts';
import type { NetworkController } from '../../network/controller/controller.ts';
import type { Container } from '../containers/container.ts';
import type { ContainerRegistry } from '../containers/registry.ts';
import { sandboxRequest } from '../containers/start.ts';
import type { EventBus } from '../events/bus.ts';
import { matchesLabels, matchesPattern } from '../filters.ts';
import { parseMoment } from '../images/filters.ts';

const KNOWN_FILTERS = new Set(['dangling', 'driver', 'id', 'label', 'name', 'scope', 'type']);

export class NetworksService {
  readonly #network: NetworkController;
  readonly #registry: ContainerRegistry;
  readonly #events: EventBus;
  readonly #afterChange: (container: Container) => void;

  /** `afterChange`: a running container's networks are others now. */
  constructor(
    network: NetworkController,
    registry: ContainerRegistry,
    events: EventBus,
    afterChange: (container: Container) => void,
  ) {
    this.#network = network;
    this.#registry = registry;
    this.#events = events;
    this.#afterChange = afterChange;
  }

  async list(filters: Filters): Promise<NetworkInspect[]> {
    for (const name of Object.keys(filters)) {
      if (!KNOWN_FILTERS.has(name)) throw invalid(`invalid filter '${name}'`);
    }
    for (const type of filters.type ?? []) {
      if (type !== 'custom' && type !== 'builtin') throw invalid(`invalid filter: 'type'='${type}'`);
    }
    const any = (name: string, test: (value: string) => boolean) => {
      const values = filters[name];
      return values === undefined || values.length === 0 || values.some(test);
    };
    return this.#network.networks.list().filter((found) => {
      const builtin = this.#network.networks.registry.isPredefined(
        this.#network.networks.registry.find(found.Id),
      );
      return (
        any('name', (value) => matchesPattern(found.Name, [value])) &&
        any('id', (value) => found.Id.startsWith(value)) &&
        any('driver', (value) => found.Driver === value) &&
        any('scope', (value) => found.Scope === value) &&
        any('type', (value) => (value === 'builtin') === builtin) &&
        any('dangling', (value) => /^(1|t|true)$/i.test(value) === (!builtin && !this.#isNamed(found))) &&
        matchesLabels(found.Labels, filters.label ?? [])
      );
    });
  }

  /** `scope` is where to look, and all networks are of this host. */
  async inspect(ref: string, options: { scope?: string | undefined } = {}): Promise<NetworkInspect> {
    const found = this.#network.networks.inspect(ref);
    if (options.scope !== undefined && options.scope !== found.Scope) {
      throw notFound(`network ${ref} not found`);
    }
    return found;
  }

  create(body: NetworkCreateBody): Promise<{ Id: string; Warning: string }> {
    return this.#network.networks.create(body);
  }

  remove(ref: string): Promise<void> {
    return this.#network.networks.remove(ref);
  }

  async connect(ref: string, body: NetworkConnectBody): Promise<void> {
    const container = this.#registry.find(body.Container);
    const asked = body.EndpointConfig ?? {};
    await container.lock.run(async () => {
      const { record } = container;
      if (record.removing) {
        throw conflict(
          `Container ${record.id} is marked for removal and cannot be connected or disconnected to the network`,
        );
      }
      const spec = this.#network.networks.registry.find(ref);
      const request = sandboxRequest(container);
      this.#network.requests.checkJoin(request, spec);
      if (this.#hasSandbox(container)) {
        await this.#network.connect(container.id, ref, asked);
      } else {
        if (this.#joins(container, spec)) {
          throw new BridgeportError(
            'forbidden',
            `endpoint with name ${record.name} already exists in network ${spec.name}`,
          );
        }
        this.#network.validate({ ...request, networks: { ...request.networks, [spec.name]: asked } });
      }
      record.networks = { ...record.networks, [spec.name]: asked };
      // It had left all of its networks: this one is its main one from now on.
      if (record.hostConfig.NetworkMode === 'none') record.hostConfig.NetworkMode = spec.name;
      this.#registry.save(container);
      if (container.isRunning) this.#afterChange(container);
    });
  }

  async disconnect(ref: string, body: NetworkDisconnectBody): Promise<void> {
    const container = this.#registry.find(body.Container);
    await container.lock.run(async () => {
      const spec = this.#network.networks.registry.find(ref);
      const { record } = container;
      if (container.isRunning || this.#hasSandbox(container)) {
        this.#network.requests.checkLeave(sandboxRequest(container), spec);
        await this.#network.disconnect(container.id, ref);
      } else if (!this.#joins(container, spec)) {
        throw new BridgeportError(
          'forbidden',
          `container ${record.id} is not connected to the network ${spec.name}`,
        );
      }
      this.#forget(container, spec);
      this.#registry.save(container);
      if (container.isRunning) this.#afterChange(container);
    });
  }

  async prune(filters: Filters): Promise<{ NetworksDeleted: string[] | null }> {
    const until = Math.min(...(filters.until ?? []).map((text) => parseMoment(text)));
    const deleted: string[] = [];
    for (const spec of this.#network.networks.registry.all()) {
      if (this.#network.networks.registry.isPredefined(spec) || this.#network.networks.isUsed(spec)) continue;
      if (this.#isNamed({ Name: spec.name, Id: spec.id })) continue;
      if (Date.parse(spec.createdAt) > until) continue;
      if (!matchesLabels(spec.labels, filters.label ?? [])) continue;
      if ((filters['label!'] ?? []).some((label) => matchesLabels(spec.labels, [label]))) continue;
      await this.#network.networks.remove(spec.id);
      deleted.push(spec.name);
    }
    this.#events.publish('network', 'prune', '', { reclaimed: '0' });
    return { NetworksDeleted: deleted.length === 0 ? null : deleted };
  }

  /** It runs, or others that joined its network do. */
  #hasSandbox(container: Container): boolean {
    return this.#network.sandbox(container.id) !== undefined;
  }

  /** Does any container, running or not, belong to it? */
  #isNamed(network: { Name: string; Id: string }): boolean {
    return this.#registry
      .all()
      .some((container) => this.#joins(container, { name: network.Name, id: network.Id }));
  }

  #joins(container: Container, spec: { name: string; id: string }): boolean {
    const { networks, hostConfig } = container.record;
    return [hostConfig.NetworkMode, ...Object.keys(networks)].some(
      (ref) => ref === spec.name || ref === spec.id,
    );
  }

  /** The container leaves; when it was named by its mode, the first of the others takes that place. */
  #forget(container: Container, spec: { name: string; id: string }): void {
    const { record } = container;
    const rest: Record<string, EndpointSettings> = {};
    for (const [ref, asked] of Object.entries(record.networks)) {
      if (ref !== spec.name && ref !== spec.id && !(ref === 'default' && spec.name === 'bridge'))
        rest[ref] = asked;
    }
    record.networks = rest;
    const { NetworkMode: mode } = record.hostConfig;
    if (mode === spec.name || mode === spec.id)
      record.hostConfig.NetworkMode = Object.keys(rest)[0] ?? 'none';
  }
}
