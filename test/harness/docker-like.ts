/** A daemon behind a socket that does not know what is Bridgeport's own, as a Docker Engine does not. */

import { createServer, request } from 'node:http';
import { join } from 'node:path';
import type { TestDaemon } from './daemon.ts';

export interface DockerLike extends AsyncDisposable {
  /** Runs `bridgeport` on the daemon's host with that socket: the command line looks at the kernel itself. */
  run(...args: string[]): Promise<{ stdout: string; stderr: string; code: number }>;
}

export async function dockerLike(daemon: TestDaemon): Promise<DockerLike> {
  const socket = join(daemon.root, 'docker.sock');
  // What a Docker Engine answers to paths that it does not know.
  const server = createServer((asked, answer) => {
    if (asked.url?.startsWith('/bridgeport/')) {
      answer.writeHead(404, { 'content-type': 'application/json' }).end('{"message":"page not found"}');
      return;
    }
    const { method, url: path, headers } = asked;
    const forwarded = request({ socketPath: daemon.socket, method, path, headers, agent: false }, (from) => {
      answer.writeHead(from.statusCode ?? 0, from.headers);
      from.pipe(answer);
    });
    asked.pipe(forwarded);
  });
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  const { command, env } = daemon.bridgeport;
  return {
    run: (...args) =>
      daemon.host.run([...command, '-H', `unix://${socket}`, ...args], {
        env: { ...env, BRIDGEPORT_HOST: '' },
      }),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
