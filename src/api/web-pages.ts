/**
 * Web pages that are open in a browser of this machine may have it send requests to a port on loopback. Docker's clients are told from
 * them by two headers, which no page can choose.
 */

import type { IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { BridgeportError } from '../base/errors.ts';
import { Ip } from '../base/ip.ts';

/**
 * Browsers say where the page came from (`Origin`); clients never do. A page whose own name was made to resolve to 127.0.0.1 comes
 * from where it asks (DNS rebinding): on loopback without TLS, `Host` has to name loopback. A name of any kind is fine on
 * a Unix socket, which no browser reaches, and where the server's certificate is for that name.
 *
 * @throws `forbidden` when the page is not one of ours
 */
export function refuseWebPages({ headers, socket }: IncomingMessage): void {
  const { origin, host } = headers;
  if (origin !== undefined && origin !== `http://${host}` && origin !== `https://${host}`) {
    throw forbidden(`request from a page of ${JSON.stringify(origin)} refused`);
  }
  // HTTP/1.0 can do without; no browser does.
  if (host !== undefined && isPlainLoopback(socket as Partial<TLSSocket>)) refuseOtherHosts(host);
}

/** @throws `forbidden` for a `Host` that is neither `localhost` nor an address of loopback; any port: it may be forwarded (`ssh -L`) */
export function refuseOtherHosts(host: string): void {
  const name = /^(\[[^\]]+\]|[^:]+)(?::\d{1,5})?$/.exec(host)?.[1]?.replace(/^\[|\]$/g, '');
  if (name?.toLowerCase() === 'localhost' || Ip.tryParse(name ?? '')?.isLoopback === true) return;
  throw forbidden(`request for host ${JSON.stringify(host)} refused: want 127.0.0.1, [::1] or localhost`);
}

function isPlainLoopback({ encrypted, localAddress }: Partial<TLSSocket>): boolean {
  return encrypted !== true && Ip.tryParse(localAddress ?? '')?.unmap().isLoopback === true;
}

const forbidden = (message: string) => new BridgeportError('forbidden', message);
