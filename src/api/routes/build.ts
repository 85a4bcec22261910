/** `/commit`: images that are made here. */

import { invalid } from '../../base/errors.ts';
import type { PlainCall } from '../call.ts';
import { sendJson } from '../reply.ts';
import { post } from '../route.ts';
import { containerConfig } from '../schemas/container.ts';
import { repositoryOf } from './images.ts';

async function commit(call: PlainCall): Promise<void> {
  const { backend, query, response, signal } = call;
  const container = query.text('container');
  if (container === '') throw invalid('bad parameter: "container" is empty');
  const config = await call.json(containerConfig);
  const id = await backend.build.commit(
    container,
    {
      ...repositoryOf(query),
      comment: query.text('comment'),
      author: query.text('author'),
      pause: query.flag('pause', true),
      changes: query.all('changes'),
      // The command line sends nothing, or null.
      config: Object.keys(config).length === 0 ? undefined : config,
    },
    signal,
  );
  sendJson(response, 201, { Id: id });
}

export const buildRoutes = [post('/commit', commit)];
