/** Further processes in a running container: `/containers/{name}/exec` and `/exec`. */

import { invalid } from '../../base/errors.ts';
import type { PlainCall, SessionCall, SessionPlan } from '../call.ts';
import { sendEmpty, sendJson } from '../reply.ts';
import { get, post } from '../route.ts';
import type { Route } from '../router.ts';
import { execCreateBody, execStartBody } from '../schemas/exec.ts';
import type { PlainReply } from '../status.ts';
import { sizeOf } from './resize.ts';

async function create(call: PlainCall): Promise<void> {
  const body = await call.json(execCreateBody);
  if (body.Cmd.length === 0) throw invalid('No exec command specified');
  if (call.version < 42) delete body.ConsoleSize;
  sendJson(call.response, 201, await call.backend.containers.execCreate(call.params.name!, body));
}

async function start(call: SessionCall): Promise<SessionPlan | PlainReply> {
  const { backend, params, version } = call;
  const body = await call.json(execStartBody);
  if (body.Detach) {
    await backend.containers.execStartDetached(params.id!);
    return { status: 200 };
  }
  const tty = body.Tty ?? false;
  const consoleSize = tty && version >= 42 ? (body.ConsoleSize ?? undefined) : undefined;
  const session = await backend.containers.execStart(params.id!, { tty, consoleSize });
  // which of the streams are wanted was said when the exec was created
  return { session, stdin: true, stdout: true, stderr: true };
}

async function resize({ backend, params, query, response }: PlainCall): Promise<void> {
  const { height, width } = sizeOf(query);
  await backend.containers.execResize(params.id!, height, width);
  sendEmpty(response, 200);
}

async function inspect({ backend, params, response }: PlainCall): Promise<void> {
  sendJson(response, 200, await backend.containers.execInspect(params.id!));
}

export const execRoutes: Route[] = [
  post('/containers/{name}/exec', create),
  { kind: 'session', method: 'POST', path: '/exec/{id}/start', open: start },
  post('/exec/{id}/resize', resize),
  get('/exec/{id}/json', inspect),
];
