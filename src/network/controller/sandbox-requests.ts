/** What requests for a container's network mean: which networks they name, and whether they may. */

import { BridgeportError, invalid } from '../../base/errors.ts';
import type { EndpointSettings } from '../../base/wire/index.ts';
import type { NetworkSpec } from '../model/index.ts';
import type { NetworkRegistry } from './network-registry.ts';
import type { SandboxRequest } from './sandbox.ts';
import { endpointView } from './view.ts';

export class SandboxRequests {
  readonly #networks: NetworkRegistry;

  constructor(networks: NetworkRegistry) {
    this.#networks = networks;
  }

  /** The networks of a request with what is asked of each: that of the mode first, then the others as they were given. */
  wanted(request: SandboxRequest): Array<[string, EndpointSettings]> {
    const main = this.#networks.all().find(({ name, id }) => name === request.mode || id === request.mode);
    const isMain = (ref: string) =>
      ref === request.mode ||
      ref === main?.name ||
      ref === main?.id ||
      (ref === 'default' && main?.bridge?.isDefault);
    const entries = Object.entries(request.networks);
    const own = entries.find(([ref]) => isMain(ref))?.[1] ?? {};
    return [[request.mode, own], ...entries.filter(([ref]) => !isMain(ref))];
  }

  /** The networks a container joins, as `inspect` shows them when it does not run. */
  planned(request: SandboxRequest): Record<string, EndpointSettings> {
    if (request.mode.startsWith('container:')) return {};
    return Object.fromEntries(
      this.wanted(request).map(([ref, asked]) => {
        const spec = this.#networks.all().find(({ name, id }) => name === ref || id === ref);
        return [spec?.name ?? ref, endpointView('', asked, undefined)];
      }),
    );
  }

  /** Throws in Docker's words when a container of this kind cannot leave the network. */
  checkLeave(request: SandboxRequest, spec: NetworkSpec): void {
    // Whoever is on `none` may leave it, and join others afterwards.
    if (spec.driver === 'null' && request.networks[spec.name] !== undefined) return;
    this.checkJoin(request, spec);
  }

  /** Throws in Docker's words when a container of this kind cannot join the network. */
  checkJoin(request: SandboxRequest, spec: NetworkSpec): void {
    const modeDriver = request.mode.startsWith('container:')
      ? 'container'
      : this.#networks.find(request.mode).driver;
    if (modeDriver === 'container')
      throw invalid(
        'container sharing network namespace with another container or host cannot be connected to any other network',
      );
    if (modeDriver === 'host' || spec.driver === 'host') {
      throw new BridgeportError(
        'forbidden',
        'container cannot be disconnected from host network or connected to host network',
      );
    }
    // One that has left all of its networks has the mode `none` too, and may join again.
    const isPrivate = modeDriver === 'null' && request.networks[request.mode] !== undefined;
    if (isPrivate || spec.driver === 'null') {
      throw new BridgeportError(
        'forbidden',
        'container cannot be connected to multiple networks with one of the networks in private (none) mode',
      );
    }
  }
}
