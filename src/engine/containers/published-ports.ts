/** Ports that are published, or no longer, while their container stays: what Docker does not have. */

import { isDeepStrictEqual } from 'node:util';
import { conflict, invalid, isKind } from '../../base/errors.ts';
import { portMap, portRuns } from '../../base/port-runs.ts';
import type { ContainerPorts, PortMap } from '../../base/wire/index.ts';
import type { PortMapping } from '../../network/model/index.ts';
import { withoutPorts, withPorts } from '../../network/ports/change.ts';
import { exposedOnly } from '../../network/ports/request.ts';
import { formatMappings, portMapOf } from '../../network/ports/view.ts';
import type { EngineContext } from '../context.ts';
import { emitContainerEvent } from './attributes.ts';
import type { Container } from './container.ts';
import { withoutNulls } from './normalize.ts';
import type { ContainerRegistry } from './registry.ts';
import { sandboxRequest } from './start.ts';

/** Any free port, on every address. */
const ANYWHERE = { HostIp: '', HostPort: '' };

export class PublishedPorts {
  readonly #context: EngineContext;
  readonly #registry: ContainerRegistry;

  constructor(context: EngineContext, registry: ContainerRegistry) {
    this.#context = context;
    this.#registry = registry;
  }

  /**
   * Publishes more ports: at once when the container runs, and whenever it is started from now on. All of them or none.
   * Throws `conflict` naming a port that is taken.
   */
  async add(ref: string, given: PortMap): Promise<ContainerPorts> {
    const added = Object.fromEntries(
      Object.entries(given).map(([port, hosts]) => [port, hosts?.length ? hosts : [ANYWHERE]]),
    );
    return this.#change(ref, 'publish', async (container) => {
      const { network } = this.#context;
      network.validate({ ...sandboxRequest(container), portBindings: added });
      const asked = everythingAsked(container);
      const { bindings, made } = container.isRunning
        ? await network.addPorts(container.id, asked, added)
        : { bindings: withPorts(asked, added), made: [] };
      setAsked(container, bindings);
      return made;
    });
  }

  /** Takes published ports away. A host side without a port, or a container port without host sides, means all of them. */
  async remove(ref: string, given: PortMap): Promise<ContainerPorts> {
    const removal = withoutNulls(given);
    return this.#change(ref, 'unpublish', async (container) => {
      const asked = everythingAsked(container);
      const { bindings, lost } = container.isRunning
        ? await this.#context.network.removePorts(container.id, asked, removal)
        : withoutPorts(asked, [], removal);
      setAsked(container, bindings);
      return lost;
    });
  }

  /** A daemon that was killed in the middle of a change had told the network alone of it. */
  adopt(container: Container): void {
    const { hostConfig } = container.record;
    const sandbox = this.#context.network
      .sandboxes()
      .find(({ request }) => request.containerId === container.id);
    if (sandbox === undefined) return;
    const { portBindings, publishAllPorts } = sandbox.request;
    if (isDeepStrictEqual(portBindings, hostConfig.PortBindings ?? {})) return;
    hostConfig.PortBindings = portBindings;
    hostConfig.PublishAllPorts = publishAllPorts;
    this.#registry.save(container);
  }

  async #change(
    ref: string,
    action: 'publish' | 'unpublish',
    work: (container: Container) => Promise<PortMapping[]>,
  ): Promise<ContainerPorts> {
    const container = this.#registry.find(ref);
    return container.lock.run(async () => {
      const { record } = container;
      if (record.removing) throw conflict(`Container ${record.id} is marked for removal`);
      this.#checkMode(record.hostConfig.NetworkMode);
      const changed = await work(container);
      this.#registry.save(container);
      emitContainerEvent(this.#context, container, action, { ports: formatMappings(changed) });
      return {
        Ports: this.#context.network.sandbox(container.id)?.ports ?? {},
        Changed: portMapOf([], changed),
      };
    });
  }

  /** Such a container has no ports of its own. Throws `invalid` in Docker's words. */
  #checkMode(mode: string): void {
    if (mode.startsWith('container:')) {
      throw invalid('conflicting options: port publishing and the container type network mode');
    }
    if (this.#isHost(mode)) throw invalid('conflicting options: port publishing and the host network mode');
  }

  /** A container that does not run may name a network that is there no more. */
  #isHost(mode: string): boolean {
    try {
      return this.#context.network.networks.registry.find(mode).driver === 'host';
    } catch (error) {
      if (isKind(error, 'not-found')) return false;
      throw error;
    }
  }
}

/** What the container asks for, with that of `-P` written out. */
function everythingAsked({ record: { config, hostConfig } }: Container): PortMap {
  const bindings = hostConfig.PortBindings ?? {};
  if (!hostConfig.PublishAllPorts) return bindings;
  const unbound = exposedOnly(Object.keys(config.ExposedPorts ?? {}), bindings);
  return portMap([...portRuns(bindings), ...unbound.map((spec) => ({ ...spec, hosts: [ANYWHERE] }))]);
}

/** From now on the ports of `-P` are asked for one by one: with a host port of its own, one would not be among them any more. */
function setAsked({ record: { hostConfig } }: Container, bindings: PortMap): void {
  hostConfig.PortBindings = bindings;
  hostConfig.PublishAllPorts = false;
}
