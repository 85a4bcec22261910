/** `/commit` and `/build`: images that are made here. */

import { invalid } from '../../base/errors.ts';
import { buildOptions } from '../build-query.ts';
import type { PlainCall } from '../call.ts';
import { sendJson, sendProgress } from '../reply.ts';
import { lasting, post } from '../route.ts';
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

async function build({ backend, headers, query, request, response, signal }: PlainCall): Promise<void> {
  const options = buildOptions(query, headers);
  await sendProgress(response, (progress, room) =>
    backend.build.build(request, options, progress, room, signal),
  );
}

export const buildRoutes = [post('/commit', commit), lasting(post('/build', build))];
