/** `/images` */

import { BridgeportError, invalid, notImplemented } from '../../base/errors.ts';
import type { PlainCall } from '../call.ts';
import { imageInspectFor, imageSummaryFor } from '../compat/image.ts';
import { imageFilters, imagePruneFilters, parseFilters } from '../filters.ts';
import type { Query } from '../query.ts';
import { registryAuth } from '../registry-auth.ts';
import { sendEmpty, sendJson, sendProgress, sendStream } from '../reply.ts';
import { del, get, post } from '../route.ts';

/** `repo` may carry the tag itself; one that is given apart from it counts, and none at all is `latest`. */
export function repositoryOf(query: Query): { repository: string; tag: string } {
  const repo = query.text('repo');
  if (repo === '') return { repository: '', tag: '' };
  if (repo.includes('@')) throw invalid(`cannot import digest reference ${JSON.stringify(repo)}`);
  const colon = repo.indexOf(':', repo.lastIndexOf('/') + 1);
  const repository = colon === -1 ? repo : repo.slice(0, colon);
  return { repository, tag: query.text('tag') || (colon === -1 ? 'latest' : repo.slice(colon + 1)) };
}

async function list({ backend, query, response, version }: PlainCall): Promise<void> {
  const filters = parseFilters(query.text('filters'), imageFilters);
  // before 1.25 a repository's name was a parameter of its own
  if (version < 25 && query.text('filter') !== '') filters.reference ??= [query.text('filter')];
  const images = await backend.images.list({
    all: query.flag('all'),
    digests: query.flag('digests'),
    filters,
  });
  sendJson(
    response,
    200,
    images.map((image) => imageSummaryFor(version, image)),
  );
}

async function inspect({ backend, params, response, version }: PlainCall): Promise<void> {
  sendJson(response, 200, imageInspectFor(version, await backend.images.inspect(params.name!)));
}

async function history({ backend, params, response }: PlainCall): Promise<void> {
  sendJson(response, 200, await backend.images.history(params.name!));
}

async function tag({ backend, params, query, response }: PlainCall): Promise<void> {
  const { repository, tag } = repositoryOf(query);
  if (repository === '') throw invalid('invalid reference format: "repo" is empty');
  await backend.images.tag(params.name!, repository, tag);
  sendEmpty(response, 201);
}

async function remove({ backend, params, query, response }: PlainCall): Promise<void> {
  const name = params.name!;
  if (name.trim() === '') throw invalid('image name cannot be blank');
  const options = { force: query.flag('force'), prune: !query.flag('noprune') };
  sendJson(response, 200, await backend.images.remove(name, options));
}

async function prune({ backend, query, response }: PlainCall): Promise<void> {
  sendJson(response, 200, await backend.images.prune(parseFilters(query.text('filters'), imagePruneFilters)));
}

/** `docker pull` and `docker import`. */
async function create(call: PlainCall): Promise<void> {
  // "pull -a" may leave a colon behind
  const name = call.query.text('fromImage').replace(/:$/, '');
  if (name !== '') {
    await pull(call, name);
    return;
  }
  const source = call.query.text('fromSrc');
  if (source === '') throw invalid('either "fromImage" or "fromSrc" must be given');
  if (source !== '-') throw notImplemented(`importing an image from a URL (${source})`);
  await importTar(call);
}

async function pull(
  { backend, headers, query, response, signal, version }: PlainCall,
  name: string,
): Promise<void> {
  if (name === 'scratch') throw new BridgeportError('forbidden', `'${name}' is a reserved name`);
  const platform = version >= 32 ? query.optional('platform') : undefined;
  const auth = registryAuth(headers);
  await sendProgress(response, (progress) =>
    backend.images.pull({ name, tag: query.text('tag'), platform }, auth, progress, signal),
  );
}

async function importTar({ backend, query, request, response, signal, version }: PlainCall): Promise<void> {
  const options = {
    ...repositoryOf(query),
    message: query.text('message') || 'Imported from -',
    changes: query.all('changes'),
    platform: version >= 32 ? query.optional('platform') : undefined,
  };
  await sendProgress(response, (progress) => backend.images.import(request, options, progress, signal));
}

async function load({ backend, query, request, response, signal }: PlainCall): Promise<void> {
  await sendProgress(response, (progress) =>
    backend.images.load(request, query.flag('quiet', true), progress, signal),
  );
}

async function save({ backend, params, query, response }: PlainCall): Promise<void> {
  const names = params.name === undefined ? query.all('names') : [params.name];
  if (names.length === 0) throw invalid('no image to save: "names" is empty');
  await sendStream(response, 'application/x-tar', await backend.images.save(names));
}

export const imageRoutes = [
  get('/images/json', list),
  get('/images/search', () => {
    throw notImplemented('searching a registry');
  }),
  get('/images/get', save),
  get('/images/{name}/get', save),
  get('/images/{name}/history', history),
  get('/images/{name}/json', inspect),
  post('/images/load', load),
  post('/images/create', create),
  post('/images/prune', prune, 25),
  post('/images/{name}/push', () => {
    throw notImplemented('pushing an image');
  }),
  post('/images/{name}/tag', tag),
  del('/images/{name}', remove),
];
