/** Where the API listens: what `-H` and the key `hosts` may say. */

import { isIPv6 } from 'node:net';
import { resolve } from 'node:path';
import { invalid } from '../base/errors.ts';
import { hostPort, Ip } from '../base/ip.ts';

/** One place to listen at. `fd` is a socket that systemd hands over (sd_listen_fds(3)); its name may be empty. */
export type ListenAddress =
  | { kind: 'unix'; path: string }
  | { kind: 'tcp'; host: string; port: number }
  | { kind: 'fd'; name: string };

/** Docker's registered ports, without and with TLS. */
const PORT = 2375;
const TLS_PORT = 2376;

export const DEFAULT_SOCKET = '/run/bridgeport.sock';

/**
 * Reads `unix:///run/b.sock`, `tcp://127.0.0.1:2375`, `127.0.0.1:2375` (tcp is meant), `fd://`. What is left out is
 * filled in: `unix://` is the default socket, `tcp://` is localhost and Docker's port.
 *
 * @throws `invalid` naming the text
 */
export function parseHost(text: string, tls = false, cwd: string = process.cwd()): ListenAddress {
  const bad = (why: string): never => {
    throw invalid(`invalid bind address (${text}): ${why}`);
  };
  const cut = text.indexOf('://');
  const proto = cut < 0 ? 'tcp' : text.slice(0, cut);
  const rest = cut < 0 ? text : text.slice(cut + 3);
  if (rest.includes('://')) bad(`invalid ${proto} address: ${rest}`);
  switch (proto) {
    case 'unix': {
      const path = rest === '' ? DEFAULT_SOCKET : resolve(cwd, rest);
      // struct sockaddr_un { ... char sun_path[108]; }: one byte is the closing zero (unix(7)).
      if (Buffer.byteLength(path) > 107) bad('a unix socket path has at most 107 bytes');
      return { kind: 'unix', path };
    }
    case 'fd':
      return { kind: 'fd', name: rest };
    case 'tcp': {
      const match = /^(\[[^\]]*\]|[^:/?#@\s]*)(?::(\d*))?$/.exec(rest);
      if (match === null)
        return bad(rest.includes('/') ? 'should not contain a path element' : 'want host:port');
      const host = (match[1] ?? '').replace(/^\[(.*)\]$/, '$1');
      if (match[1]?.startsWith('[') && !isIPv6(host)) bad(`"${host}" is not an IPv6 address`);
      const port = match[2] ? Number(match[2]) : tls ? TLS_PORT : PORT;
      if (port < 1 || port > 65535) bad(`invalid port: ${match[2]}`);
      return { kind: 'tcp', host: host === '' ? 'localhost' : host, port };
    }
    default:
      return bad(`unsupported proto '${proto}'`);
  }
}

/**
 * Reads what `--metrics-addr` says: `127.0.0.1:9323`, `[::1]:9323`, `:9323` (every address).
 *
 * @throws `invalid` naming the text
 */
export function parseMetricsAddress(text: string): { host: string; port: number } {
  const [, host, port] = /^(\[[^\]]*\]|[^:/?#@\s]*):(\d{1,5})$/.exec(text) ?? [];
  if (host === undefined || Number(port) < 1 || Number(port) > 65535) {
    throw invalid(`invalid metrics address ${JSON.stringify(text)}: want host:port`);
  }
  return { host: host.replace(/^\[(.*)\]$/, '$1') || '::', port: Number(port) };
}

/** The normal form, which `info` and the log show. */
export function formatHost(address: ListenAddress): string {
  switch (address.kind) {
    case 'unix':
      return `unix://${address.path}`;
    case 'fd':
      return `fd://${address.name}`;
    case 'tcp':
      return `tcp://${hostPort(address.host, address.port)}`;
  }
}

/** True when only this machine can reach the address: 127.0.0.0/8 (RFC 1122), ::1 (RFC 4291), localhost (RFC 6761). */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || Ip.tryParse(host)?.isLoopback === true;
}
