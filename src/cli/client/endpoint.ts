import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** TLS material for a tcp endpoint; PEM. */
export interface TlsMaterial {
  ca?: Buffer;
  cert?: Buffer;
  key?: Buffer;
  /** False with `--tls` alone: encrypt without asking who answers. */
  verify: boolean;
}

/** Where the daemon listens. */
export interface Endpoint {
  /** As people write it: `unix:///run/bridgeport.sock`, `tcp://127.0.0.1:2375`. */
  url: string;
  socketPath?: string;
  host?: string;
  port?: number;
  tls?: TlsMaterial;
}

/** What the command line says about the connection. */
export interface EndpointOptions {
  host: string;
  tls: boolean;
  tlsVerify: boolean;
  /** Paths of PEM files; empty takes `ca.pem`, `cert.pem`, `key.pem` in `DOCKER_CERT_PATH` or `~/.docker`. */
  caCert: string;
  cert: string;
  key: string;
}

/** Where `bridgeportd` listens unless told otherwise. */
export const DEFAULT_HOST = 'unix:///run/bridgeport.sock';

/**
 * The endpoint to talk to: `--host`, then `BRIDGEPORT_HOST`, then `DOCKER_HOST`, then the default socket.
 *
 * Throws an `Error` for an address that is none, or a certificate that cannot be read.
 */
export function resolveEndpoint(
  options: EndpointOptions,
  env: Readonly<Record<string, string | undefined>>,
): Endpoint {
  const url = options.host || env.BRIDGEPORT_HOST || env.DOCKER_HOST || DEFAULT_HOST;
  const [scheme, rest] = url.includes('://') ? (url.split('://') as [string, string]) : ['tcp', url];
  if (scheme === 'unix') return { url, socketPath: rest || '/run/bridgeport.sock' };
  if (scheme !== 'tcp' && scheme !== 'http' && scheme !== 'https') {
    throw new Error(`unable to parse docker host \`${url}\`: only unix:// and tcp:// are supported`);
  }
  const verify = options.tlsVerify || Boolean(env.DOCKER_TLS_VERIFY);
  const secure = options.tls || verify || scheme === 'https';
  const match = /^(\[[^\]]+\]|[^:/]*)(?::(\d+))?\/?$/.exec(rest);
  if (match === null) throw new Error(`invalid bind address format: ${url}`);
  return {
    url,
    host: (match[1] || 'localhost').replace(/^\[|\]$/g, ''),
    port: Number(match[2] ?? (secure ? 2376 : 2375)),
    ...(secure ? { tls: tlsMaterial(options, env, verify) } : {}),
  };
}

function tlsMaterial(
  options: EndpointOptions,
  env: Readonly<Record<string, string | undefined>>,
  verify: boolean,
): TlsMaterial {
  const directory = env.DOCKER_CERT_PATH || env.DOCKER_CONFIG || join(env.HOME ?? '/', '.docker');
  const read = (path: string, name: string) => {
    try {
      return { [name]: readFileSync(path || join(directory, `${name}.pem`)) };
    } catch (error) {
      // Certificates in the usual place are optional; one that was named must be there.
      if (path === '') return {};
      throw new Error(`could not read ${name} certificate ${JSON.stringify(path)}: ${error}`);
    }
  };
  return {
    ...read(options.caCert, 'ca'),
    ...read(options.cert, 'cert'),
    ...read(options.key, 'key'),
    verify,
  };
}
