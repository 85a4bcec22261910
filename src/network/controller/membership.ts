/** Containers that come to networks and leave them while their sandbox is open. */

import { BridgeportError, runAll } from '../../base/errors.ts';
import type { EndpointSettings } from '../../base/wire/index.ts';
import type { SandboxRecord } from './sandbox-record.ts';
import type { SandboxServices } from './sandbox-services.ts';

export class Membership {
  readonly #services: SandboxServices;

  constructor(services: SandboxServices) {
    this.#services = services;
  }

  /** Joins a running container to one more network. */
  async connect(containerId: string, ref: string, asked: EndpointSettings): Promise<void> {
    const spec = this.#services.networks.find(ref);
    const record = this.#services.records.open(containerId);
    this.#services.requests.checkJoin(record.request, spec);
    this.#services.endpoints.check(spec, asked);
    if (record.endpoints.some(({ networkId }) => networkId === spec.id)) {
      throw new BridgeportError(
        'forbidden',
        `endpoint with name ${record.request.containerName} already exists in network ${spec.name}`,
      );
    }
    const endpoint = this.#services.endpoints.create(spec, record, asked);
    record.endpoints.push(endpoint);
    record.request.networks = { ...record.request.networks, [spec.name]: asked };
    if (this.#services.networks.find(record.request.mode).driver === 'null') record.request.mode = spec.name;
    record.changing = true;
    this.#services.records.save(record);
    try {
      this.#services.namespaces.add(record, endpoint);
      this.#services.names.update(record);
      await this.#moveGateway(record);
      await this.#services.syncFirewall();
      this.#changed(record);
    } catch (error) {
      await this.disconnect(containerId, spec.id).catch(() => {});
      throw error;
    }
    this.#services.emitMember('connect', spec, containerId);
  }

  /** What a daemon that was killed had begun is done to its end. Rules are the caller's to write. */
  async finish(record: SandboxRecord): Promise<void> {
    if (record.changing !== true) return;
    await this.#services.namespaces.complete(record);
    await this.#services.publishing.follow(record);
    this.#changed(record);
  }

  /** A sandbox that has been closed meanwhile has no record any more. */
  #changed(record: SandboxRecord): void {
    delete record.changing;
    const { records } = this.#services;
    if (records.get(record.request.containerId) === record) records.save(record);
  }

  /** Takes a running container out of a network. */
  async disconnect(containerId: string, ref: string): Promise<void> {
    const spec = this.#services.networks.find(ref);
    const record = this.#services.records.open(containerId);
    const endpoint = record.endpoints.find(({ networkId }) => networkId === spec.id);
    if (spec.driver === 'null' && record.request.networks[spec.name] !== undefined) {
      // Nothing of it is in the kernel.
      const { [spec.name]: _none, ...others } = record.request.networks;
      record.request.networks = others;
      this.#services.records.save(record);
      this.#services.emitMember('disconnect', spec, containerId);
      return;
    }
    if (endpoint === undefined) {
      throw new BridgeportError(
        'forbidden',
        `container ${containerId} is not connected to network ${spec.name}`,
      );
    }
    const { publisher } = this.#services;
    const lost = record.ports.filter(({ endpointId }) => endpointId === endpoint.id);
    record.endpoints = record.endpoints.filter((other) => other !== endpoint);
    record.ports = record.ports.filter((port) => !lost.includes(port));
    const { [spec.name]: _name, [spec.id]: _id, ...others } = record.request.networks;
    record.request.networks = others;
    // Another of its networks takes the place of the one that named its mode.
    if (record.request.mode === spec.name || record.request.mode === spec.id) {
      record.request.mode = Object.keys(others)[0] ?? 'none';
    }
    record.changing = true;
    this.#services.records.save(record);
    this.#services.names.removeEndpoint(endpoint);
    await runAll(`disconnect ${containerId} from ${spec.name}`, [
      () => this.#services.names.update(record),
      () => publisher.unpublish(lost),
      () => this.#services.namespaces.remove(record, endpoint),
      () => this.#moveGateway(record),
      () => this.#services.syncFirewall(),
    ]);
    this.#changed(record);
    this.#services.endpoints.release(endpoint, record.request.containerName);
    this.#services.emitMember('disconnect', spec, containerId);
  }

  /** After endpoints came or went: the default routes follow, and so do published ports. */
  async #moveGateway(record: SandboxRecord): Promise<void> {
    this.#services.namespaces.updateRoutes(record);
    await this.#services.publishing.follow(record);
  }
}
