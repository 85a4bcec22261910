/** Swarm, services and their kin: the answers of a node that is in no swarm. */

import { BridgeportError, notImplemented } from '../../base/errors.ts';
import { del, get, post } from '../route.ts';
import type { PlainRoute } from '../router.ts';

/** Docker's own words; clients look for them. */
const NOT_A_MANAGER =
  'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.';

function notManager(): never {
  throw new BridgeportError('unavailable', NOT_A_MANAGER);
}

function notMember(): never {
  throw new BridgeportError('unavailable', 'This node is not part of a swarm');
}

function absent(): never {
  throw notImplemented('swarm mode');
}

const collection = (name: string): PlainRoute[] => [
  get(`/${name}`, notManager),
  post(`/${name}/create`, notManager),
  get(`/${name}/{id}`, notManager),
  post(`/${name}/{id}/update`, notManager),
  del(`/${name}/{id}`, notManager),
];

export const swarmRoutes: PlainRoute[] = [
  post('/swarm/init', absent),
  post('/swarm/join', absent),
  post('/swarm/leave', notMember),
  get('/swarm', notManager),
  get('/swarm/unlockkey', notManager),
  post('/swarm/update', notManager),
  post('/swarm/unlock', notManager),
  ...['services', 'nodes', 'tasks', 'secrets', 'configs'].flatMap(collection),
];
