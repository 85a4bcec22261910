import { BridgeportError, type ErrorKind } from '../../base/errors.ts';
import type { Endpoint } from './endpoint.ts';

const KINDS: Record<number, ErrorKind> = {
  304: 'not-modified',
  400: 'invalid',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not-found',
  409: 'conflict',
  501: 'not-implemented',
  503: 'unavailable',
};

/** The daemon answered, and said no. */
export class DaemonError extends BridgeportError {
  /** HTTP status of the answer. */
  readonly status: number;

  constructor(status: number, message: string) {
    super(KINDS[status] ?? 'internal', `Error response from daemon: ${message}`);
    this.name = 'DaemonError';
    this.status = status;
  }

  /** From the body of an answer: Docker's `{"message": …}`, or any text. */
  static fromBody(status: number, body: string): DaemonError {
    try {
      const message: unknown = JSON.parse(body)?.message;
      if (typeof message === 'string' && message !== '') return new DaemonError(status, message.trim());
    } catch {
      // Not JSON: something between us and the daemon speaks. Its own words are the best there is.
    }
    return new DaemonError(status, body.trim() || `request returned HTTP status ${status}`);
  }
}

/** Nobody answers at the endpoint. */
export class ConnectionError extends BridgeportError {
  constructor(endpoint: Endpoint, cause: NodeJS.ErrnoException) {
    super('unavailable', describe(endpoint, cause), { cause, errno: cause.code });
    this.name = 'ConnectionError';
  }
}

function describe({ url }: Endpoint, cause: NodeJS.ErrnoException): string {
  switch (cause.code) {
    case 'EACCES':
    case 'EPERM':
      return `permission denied while trying to connect to the Bridgeport daemon socket at ${url}: ${cause.message}`;
    case 'ENOENT':
    case 'ECONNREFUSED':
    case 'ENOTSOCK':
    case 'ENOTDIR':
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'ETIMEDOUT':
      return `Cannot connect to the Bridgeport daemon at ${url}. Is the bridgeport daemon running?`;
    default:
      return `error during connect: ${url}: ${cause.message}`;
  }
}

/** Ends the command with an exit code of its own; an empty message prints nothing. */
export class ExitError extends Error {
  readonly exitCode: number;

  constructor(exitCode: number, message = '') {
    super(message);
    this.exitCode = exitCode;
  }
}
