/** `--metrics-addr`: a port that answers `GET /metrics` and nothing else, for a Prometheus that shall not hold the API's socket. */

import type { Server } from 'node:http';
import { messageOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { describeAddress, listenOn, type TcpAddress } from './listen.ts';

// Not by import, which would load undici: docs/decisions/0004.
const http = process.getBuiltinModule('node:http');

/** Prometheus's text format. */
export const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** Milliseconds for a request's headers to be complete. */
const HEADERS_TIMEOUT = 10_000;

/**
 * @param metrics the text, made when it is asked for
 * @returns what ends it
 * @throws `conflict` when the address is taken
 */
export async function serveMetrics(
  address: TcpAddress,
  metrics: () => Promise<string>,
  log: Log,
): Promise<() => void> {
  const server = metricsServer(metrics, log);
  await listenOn(server, address);
  log.info({ address: describeAddress(address) }, 'metrics listen');
  return () => {
    server.close();
    server.closeAllConnections();
  };
}

function metricsServer(metrics: () => Promise<string>, log: Log): Server {
  return http.createServer({ headersTimeout: HEADERS_TIMEOUT }, (request, response) => {
    response.on('error', () => {});
    const isRead = request.method === 'GET' || request.method === 'HEAD';
    if (!isRead || request.url?.split('?')[0] !== '/metrics') {
      response.writeHead(isRead ? 404 : 405).end();
      return;
    }
    metrics().then(
      (text) => {
        response.writeHead(200, { 'Content-Type': METRICS_TYPE, 'Content-Length': Buffer.byteLength(text) });
        response.end(request.method === 'HEAD' ? undefined : text);
      },
      (error: unknown) => {
        log.error({ error: messageOf(error) }, 'cannot collect metrics');
        response.writeHead(500).end();
      },
    );
  });
}
