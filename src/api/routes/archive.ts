/** `docker cp` and `docker export`: files in and out of a container, as tar. */

import type { ServerResponse } from 'node:http';
import { invalid } from '../../base/errors.ts';
import type { PathStat } from '../../base/wire/index.ts';
import type { PlainCall } from '../call.ts';
import { sendEmpty, sendStream } from '../reply.ts';
import { get, head, put } from '../route.ts';

const TAR = 'application/x-tar';

function pathOf({ query }: PlainCall): string {
  const path = query.text('path');
  if (path === '') throw invalid('bad parameter: path cannot be empty');
  if (path.includes('\0')) throw invalid(`bad parameter: path ${JSON.stringify(path)} contains a NUL`);
  return path;
}

function setStat(response: ServerResponse, stat: PathStat): void {
  response.setHeader('X-Docker-Container-Path-Stat', Buffer.from(JSON.stringify(stat)).toString('base64'));
}

async function stat(call: PlainCall): Promise<void> {
  setStat(call.response, await call.backend.containers.statPath(call.params.name!, pathOf(call)));
  sendEmpty(call.response, 200);
}

async function getArchive(call: PlainCall): Promise<void> {
  const { stat, tar } = await call.backend.containers.getArchive(call.params.name!, pathOf(call));
  setStat(call.response, stat);
  await sendStream(call.response, TAR, tar);
}

async function putArchive(call: PlainCall): Promise<void> {
  const { backend, params, query, request, response } = call;
  await backend.containers.putArchive(params.name!, pathOf(call), request, {
    noOverwriteDirNonDir: query.flag('noOverwriteDirNonDir'),
    copyUidGid: query.flag('copyUIDGID'),
  });
  sendEmpty(response, 200);
}

async function exportTar({ backend, params, response }: PlainCall): Promise<void> {
  await sendStream(response, TAR, await backend.containers.export(params.name!));
}

export const archiveRoutes = [
  head('/containers/{name}/archive', stat),
  get('/containers/{name}/archive', getArchive),
  put('/containers/{name}/archive', putArchive),
  get('/containers/{name}/export', exportTar),
];
