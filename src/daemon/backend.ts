/** The engine behind the API's interface. */

import type { Backend, ObserveBackend } from '../api/backend.ts';
import { notImplemented } from '../base/errors.ts';
import type { Engine } from '../engine/engine.ts';
import type { EventBus } from '../engine/events/bus.ts';
import { matchesPattern } from '../engine/filters.ts';
import type { ImageService } from '../engine/images/service.ts';
import { type SystemFacts, systemInfo, versionInfo } from '../engine/system/info.ts';
import type { NetworkController } from '../network/controller/controller.ts';

export interface BackendParts {
  engine: Engine;
  images: ImageService;
  network: NetworkController;
  events: EventBus;
  facts: SystemFacts;
  observe: ObserveBackend;
}

export function createBackend(parts: BackendParts): Backend {
  const { engine, images, network, events, facts, observe } = parts;
  const absent = (what: string) => async () => {
    throw notImplemented(what);
  };
  return {
    containers: engine.containers as never,
    images,
    networks: {
      list: async (filters) =>
        network
          .list()
          .filter(
            (found) =>
              (filters.name === undefined || matchesPattern(found.Name, filters.name)) &&
              (filters.id === undefined || filters.id.some((id) => found.Id.startsWith(id))) &&
              (filters.driver === undefined || filters.driver.includes(found.Driver)),
          ),
      inspect: async (ref) => network.inspect(ref),
      create: absent('network create'),
      remove: absent('network rm'),
      connect: absent('network connect'),
      disconnect: absent('network disconnect'),
      prune: absent('network prune'),
    },
    volumes: engine.volumes,
    system: {
      version: async () => versionInfo(facts),
      info: async () =>
        systemInfo(facts, {
          statuses: engine.registry.all().map((container) => container.record.state.status),
          images: (await images.list({ all: false, digests: false, filters: {} })).length,
        }),
      auth: absent('auth'),
      diskUsage: absent('system df'),
      events: (query) => events.stream(query),
    },
    observe,
  };
}
