/** Endpoints of Docker that Bridgeport has not built. They say so: a client must never take silence for success. */

import { notImplemented } from '../../base/errors.ts';
import { sendJson } from '../reply.ts';
import { del, get, post } from '../route.ts';
import type { PlainRoute } from '../router.ts';

type Add = (path: string, handle: () => never) => PlainRoute;

const absent = (add: Add, path: string, what: string): PlainRoute =>
  add(path, () => {
    throw notImplemented(what);
  });

const building = 'building images';
const checkpoints = 'checkpointing containers';
const plugins = 'managing plugins';

export const absentRoutes: PlainRoute[] = [
  absent(post, '/build', building),
  absent(post, '/build/cancel', building),
  // true without a builder: there is no cache, so nothing of it is deleted; `docker system prune` asks this
  post(
    '/build/prune',
    ({ response }) => sendJson(response, 200, { CachesDeleted: null, SpaceReclaimed: 0 }),
    31,
  ),
  absent(post, '/session', 'the BuildKit session'),
  absent(post, '/grpc', 'the BuildKit connection'),
  absent(post, '/commit', 'committing a container to an image'),
  absent(get, '/containers/{name}/attach/ws', 'attaching over a WebSocket'),
  absent(get, '/containers/{name}/checkpoints', checkpoints),
  absent(post, '/containers/{name}/checkpoints', checkpoints),
  absent(del, '/containers/{name}/checkpoints/{checkpoint}', checkpoints),
  absent(get, '/distribution/{name}/json', 'asking a registry for an image'),
  // true too: there are none
  get('/plugins', ({ response }) => sendJson(response, 200, [])),
  absent(get, '/plugins/privileges', plugins),
  absent(get, '/plugins/{name}/json', plugins),
  absent(post, '/plugins/pull', plugins),
  absent(post, '/plugins/create', plugins),
  absent(post, '/plugins/{name}/enable', plugins),
  absent(post, '/plugins/{name}/disable', plugins),
  absent(post, '/plugins/{name}/push', plugins),
  absent(post, '/plugins/{name}/upgrade', plugins),
  absent(post, '/plugins/{name}/set', plugins),
  absent(del, '/plugins/{name}', plugins),
];
