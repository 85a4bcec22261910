/*
 * Who can reach what is published, as `GET /bridgeport/exposure` answers it (an extension of Bridgeport's API: the path has
 * no version; sentences are in the language of `?lang=en` or `?lang=ko`) and as `bridgeport ps --exposure` prints it.
 */

import type { ExplainOwner } from './explain.ts';

/** Whether a packet from somewhere is let in, by the model that `GET /bridgeport/why` walks. */
export interface ExposureWay {
  /** `host`, `world`, or a network that the host is in: `10.0.0.0/24 on eth0`. */
  from: string;
  /** Whether anybody serves the port does not matter. `null`: it cannot be told. */
  open: boolean | null;
  /** What keeps it out: as `WhyCause`. */
  closedBy?: { kind: string; text: string; owner: ExplainOwner; rule?: string };
}

/** One published port, or a run of them, of one address of the host. */
export interface PortExposure {
  container: { id: string; name: string };
  /** Name of the network that it is published on. */
  network: string;
  proto: string;
  containerPort: number;
  /** Last port of a run; left out for a single port. */
  containerPortEnd?: number;
  hostIp: string;
  /** 0 in gateway mode `routed`: the container's own address is asked. */
  hostPort: number;
  hostPortEnd?: number;
  /**
   * The farthest that can reach it: `world` (an address that is routed in the Internet), `lan` (only addresses that are not),
   * `host` (this host alone), `nobody`.
   */
  reach: 'world' | 'lan' | 'host' | 'nobody';
  /** The networks outside from which it is reached: `10.0.0.0/24 on eth0`; for `routed`, what a route is needed to. */
  from: string[];
  /** Containers of other networks reach it. */
  otherNetworks: boolean;
  /** What else opens it, or why nobody reaches it. */
  notes: string[];
  /** Rules that are not the daemon's and are asked too: for other senders than those of `ways` they may decide otherwise. */
  deciders: string[];
  /**
   * What becomes of packets for the port, of a run for its first one. Left out where nobody is asked for: SCTP, and ports that lead
   * nowhere. `reach` and `from` leave out those that are kept off.
   */
  ways?: ExposureWay[];
}
