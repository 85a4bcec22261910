import type { Route } from '../router.ts';
import { absentRoutes } from './absent.ts';
import { archiveRoutes } from './archive.ts';
import { bridgeportRoutes } from './bridgeport.ts';
import { buildRoutes } from './build.ts';
import { containerRoutes } from './containers.ts';
import { execRoutes } from './exec.ts';
import { imageRoutes } from './images.ts';
import { networkRoutes } from './networks.ts';
import { observeRoutes } from './observe.ts';
import { outputRoutes } from './output.ts';
import { swarmRoutes } from './swarm.ts';
import { systemRoutes } from './system.ts';
import { volumeRoutes } from './volumes.ts';

/** Every route of the API, in the order in which they are tried. */
export function allRoutes(): Route[] {
  return [
    ...systemRoutes,
    ...outputRoutes,
    ...archiveRoutes,
    ...containerRoutes,
    ...execRoutes,
    ...imageRoutes,
    ...buildRoutes,
    ...networkRoutes,
    ...volumeRoutes,
    ...swarmRoutes,
    ...bridgeportRoutes,
    ...observeRoutes,
    ...absentRoutes,
  ];
}
