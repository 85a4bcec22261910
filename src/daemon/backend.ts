/** The engine behind the API's interface. */

import type { Backend, BuildBackend, ObserveBackend, PageBackend } from '../api/backend.ts';
import { createSystemBackend, type SystemParts } from './system-backend.ts';

export interface BackendParts extends SystemParts {
  build: BuildBackend;
  observe: ObserveBackend;
  page: PageBackend;
}

export function createBackend(parts: BackendParts): Backend {
  const { engine, images, build, observe, page } = parts;
  return {
    containers: engine.containers,
    images,
    build,
    networks: engine.networks,
    volumes: engine.volumes,
    ports: engine.ports,
    system: createSystemBackend(parts),
    observe,
    page,
  };
}
