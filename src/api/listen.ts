/** Where the API can be reached: a Unix socket or a TCP port. */

import { chmodSync, chownSync, lstatSync, unlinkSync } from 'node:fs';
import type { Server } from 'node:net';
import { connect } from 'node:net';
import { BridgeportError, conflict, internal, invalid } from '../base/errors.ts';

export interface TlsMaterial {
  /** PEM text */
  cert: string | Buffer;
  key: string | Buffer;
  /** Authorities of client certificates. */
  ca?: string | Buffer | undefined;
  /** Refuse clients without a certificate of `ca` (`--tlsverify`). Default false. */
  verify?: boolean;
}

export interface UnixAddress {
  kind: 'unix';
  path: string;
  /** Group that may connect; undefined: the process's own. */
  gid?: number | undefined;
}

export interface TcpAddress {
  kind: 'tcp';
  host: string;
  /** 0: any free port */
  port: number;
  tls?: TlsMaterial | undefined;
}

export type ListenAddress = UnixAddress | TcpAddress;

export function describeAddress(address: ListenAddress): string {
  if (address.kind === 'unix') return `unix://${address.path}`;
  return `tcp://${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`;
}

/**
 * Binds and listens.
 *
 * @throws `conflict` when somebody listens there already; `internal` with the errno otherwise
 */
export async function listenOn(server: Server, address: ListenAddress): Promise<void> {
  if (address.kind === 'tcp') {
    await listening(server, address, () => server.listen(address.port, address.host));
    return;
  }
  await clearStale(address.path);
  // bind(2) makes the socket's file with the mask's rights: nobody else may slip in before its group is set
  const mask = process.umask(0o177);
  try {
    await listening(server, address, () => {
      server.listen(address.path);
      process.umask(mask);
    });
  } finally {
    process.umask(mask);
  }
  try {
    if (address.gid !== undefined) chownSync(address.path, -1, address.gid);
    chmodSync(address.path, 0o660);
  } catch (error) {
    server.close();
    throw internal(`listen on ${address.path}: set its group and mode: ${errnoOf(error)}`, { cause: error });
  }
}

function listening(server: Server, address: ListenAddress, start: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const onError = (error: Error) => {
      server.off('listening', onListening);
      const errno = errnoOf(error);
      const message = `listen on ${describeAddress(address)}: ${errno === 'EADDRINUSE' ? 'address already in use' : error.message}`;
      reject(
        new BridgeportError(errno === 'EADDRINUSE' ? 'conflict' : 'internal', message, {
          errno,
          cause: error,
        }),
      );
    };
    const onListening = () => {
      server.off('error', onError);
      resolve();
    };
    server.once('error', onError).once('listening', onListening);
    start();
  });
}

/** A socket left by a daemon that was killed is in nobody's way; one that answers is. */
async function clearStale(path: string): Promise<void> {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return;
  if (!stat.isSocket()) throw invalid(`listen on ${path}: the file exists and is not a socket`);
  const errno = await probe(path);
  if (errno === undefined) throw conflict(`another daemon listens on ${path}`);
  if (errno === 'ENOENT') return;
  if (errno !== 'ECONNREFUSED')
    throw internal(`listen on ${path}: look who listens there: ${errno}`, { errno });
  unlinkSync(path);
}

/** Undefined when somebody accepted, else the errno. */
function probe(path: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(undefined);
    });
    socket.once('error', (error) => resolve(errnoOf(error)));
  });
}

function errnoOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error);
}
