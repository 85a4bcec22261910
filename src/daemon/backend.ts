/** The engine behind the API's interface. */

import type { Backend, ObserveBackend } from '../api/backend.ts';
import { notImplemented } from '../base/errors.ts';
import type { Engine } from '../engine/engine.ts';
import type { EventBus } from '../engine/events/bus.ts';
import type { ImageService } from '../engine/images/service.ts';
import { type SystemFacts, systemInfo, versionInfo } from '../engine/system/info.ts';

export interface BackendParts {
  engine: Engine;
  images: ImageService;
  events: EventBus;
  facts: SystemFacts;
  observe: ObserveBackend;
}

export function createBackend(parts: BackendParts): Backend {
  const { engine, images, events, facts, observe } = parts;
  const absent = (what: string) => async () => {
    throw notImplemented(what);
  };
  return {
    containers: engine.containers as never,
    images,
    networks: engine.networks,
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
