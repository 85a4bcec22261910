/** Asks a Docker Engine what it has, over its socket. */

import { BridgeportError, messageOf } from '../../base/errors.ts';
import type { DockerAnswers, DockerContainer, DockerNetwork } from './records.ts';

// Not by import, which would load undici: docs/decisions/0004.
const http = process.getBuiltinModule('node:http');

/** Milliseconds for an answer. */
const PATIENCE = 10_000;

/** @throws `unavailable` when it does not answer, or not with what was asked for */
export async function askDocker(socketPath: string): Promise<DockerAnswers> {
  const [summaries, networks] = await Promise.all([
    get<Array<{ Id: string }>>(socketPath, '/containers/json?all=1'),
    get<DockerNetwork[]>(socketPath, '/networks'),
  ]);
  const containers = await Promise.all(
    (summaries ?? []).map(({ Id }) => get<DockerContainer>(socketPath, `/containers/${Id}/json`)),
  );
  // Some may be gone since the list was made.
  return { containers: containers.filter((container) => container !== undefined), networks: networks ?? [] };
}

/** Undefined for what is not there. */
function get<T>(socketPath: string, path: string): Promise<T | undefined> {
  const failed = (error: unknown) =>
    new BridgeportError('unavailable', `GET ${path} at unix://${socketPath}: ${messageOf(error)}`);
  return new Promise((resolve, reject) => {
    const request = http.get({ socketPath, path, timeout: PATIENCE }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('error', (error) => reject(failed(error)));
      response.on('end', () => {
        if (response.statusCode === 404) resolve(undefined);
        else if (response.statusCode !== 200) reject(failed(`status ${response.statusCode}`));
        else resolve(JSON.parse(text) as T);
      });
    });
    request.on('timeout', () => request.destroy(new Error(`no answer in ${PATIENCE / 1000} s`)));
    request.on('error', (error) => reject(failed(error)));
  });
}
