/**
 * Who may ask the page's listener, and for what. It is a TCP port on loopback: every user of this machine reaches it, and
 * so does every web page that is open in a browser on it. Four checks stand before the first byte of an answer:
 *
 * - the method is GET: nothing behind this listener changes anything;
 * - the `Host` header names loopback: a name of somebody else's that was made to resolve to 127.0.0.1 (DNS rebinding)
 *   would let a foreign page read our answers as its own;
 * - everything but the page's program text wants the token, in a header;
 * - nor does the browser say that a foreign page asks (`Sec-Fetch-Site`, Fetch Metadata; `Origin` is the API's own check).
 *
 * A header and no cookie: cookies do not know ports (RFC 6265 §8.5), so every other server on 127.0.0.1 would be sent ours.
 */

import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { BridgeportError } from '../../base/errors.ts';
import { refuseOtherHosts } from '../web-pages.ts';

/** The page and its parts lie here, and are the same for everybody: reading them takes no token. */
export const PAGE_PATH = '/bridgeport/ui';

/** No script, style or request that is not ours, nothing inline, and no frame around it (CSP Level 3). */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "worker-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const HEADERS: Readonly<Record<string, string>> = {
  'Content-Security-Policy': CONTENT_SECURITY_POLICY,
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Cache-Control': 'no-store',
};

/** Sets the headers that every answer has, and throws for a request that gets none but a refusal. */
export type Guard = (request: IncomingMessage, response: ServerResponse) => void;

/** @param token what the page has to show: `Authorization: Bearer TOKEN` */
export function pageGuard(token: string): Guard {
  const wanted = digest(token);
  return (request, response) => {
    for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
    if (request.method !== 'GET') throw forbidden(`${request.method} refused: this listener is for reading`);
    const { host = '', 'sec-fetch-site': site } = request.headers;
    refuseOtherHosts(host);
    if (isPage(request.url ?? '')) return;
    if (site === 'cross-site' || site === 'same-site') {
      throw forbidden('request from a page of another site refused');
    }
    const given = /^Bearer (\S+)$/.exec(request.headers.authorization ?? '')?.[1];
    // Digests are of one length, so that comparing tells nothing about the token, its length included.
    if (given === undefined || !timingSafeEqual(digest(given), wanted)) {
      throw new BridgeportError(
        'unauthorized',
        `the token is ${given === undefined ? 'missing' : 'wrong'}: bridgeport ui prints an address with it`,
      );
    }
  };
}

/** Judged by the text that was sent: whoever encodes the path needs the token. */
function isPage(url: string): boolean {
  const path = url.split('?', 1)[0] ?? '';
  return path === PAGE_PATH || path.startsWith(`${PAGE_PATH}/`);
}

const forbidden = (message: string) => new BridgeportError('forbidden', message);

const digest = (text: string) => createHash('sha256').update(text).digest();
