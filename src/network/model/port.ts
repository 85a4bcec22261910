/** What a published port is: the desired mapping from an address of the host to an address of a container. */

import type { Protocol } from '../../base/ports.ts';

/**
 * One published port, or a run of them: host ports `hostPort … hostPortEnd` go to `containerPort … containerPortEnd` in
 * step. Both ranges have the same size; the ends are left out for a single port.
 */
export interface PortMapping {
  /** The endpoint that is reached. */
  readonly endpointId: string;
  readonly proto: Protocol;
  /** Address of the container on the endpoint's network. */
  readonly containerIp: string;
  readonly containerPort: number;
  readonly containerPortEnd?: number;
  /**
   * Address of the host: `0.0.0.0` and `::` are all of that family. It may be of the other family than `containerIp`;
   * then only the userland proxy serves it.
   */
  readonly hostIp: string;
  /** Never 0 here: a free port has been chosen already. In gateway mode `routed`, nothing is bound and it is 0. */
  readonly hostPort: number;
  readonly hostPortEnd?: number;
  /** The proxy alone serves it, and begins each connection by telling the container its client's address. */
  readonly proxyProtocol?: true;
}
