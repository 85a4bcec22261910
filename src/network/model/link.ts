/** What a link is: Docker's `--link`, a one-way acquaintance between two containers on the default bridge. */

import type { PortSpec } from '../../base/ports.ts';

/** `client` knows `server` as `alias` and may open connections to the ports that the server exposes. */
export interface Link {
  readonly networkId: string;
  /** Endpoint that was given the `--link` option. */
  readonly clientEndpointId: string;
  /** Address of the client; a link is IPv4 only, as in Docker. */
  readonly clientIp: string;
  readonly serverEndpointId: string;
  readonly serverIp: string;
  /** Name by which the client knows the server. */
  readonly alias: string;
  /** What the server's image and options expose or publish: container ports. */
  readonly exposed: readonly PortSpec[];
}
