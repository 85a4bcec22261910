/** The engine behind the API's interface. */

import type { Backend, ObserveBackend } from '../api/backend.ts';
import { createSystemBackend, type SystemParts } from './system-backend.ts';

export interface BackendParts extends SystemParts {
  observe: ObserveBackend;
}

export function createBackend(parts: BackendParts): Backend {
  const { engine, images, observe } = parts;
  return {
    containers: engine.containers,
    images,
    networks: engine.networks,
    volumes: engine.volumes,
    system: createSystemBackend(parts),
    observe,
  };
}
