/*
 * Published ports that change while their container runs (an extension of Bridgeport's API: the paths have no version).
 */

import type { PortMap } from './container.ts';

/** What `POST` and `DELETE /bridgeport/containers/{name}/ports` are sent. */
export interface ContainerPortsBody {
  /** Host sides by container port, as `HostConfig.PortBindings` has them. */
  PortBindings: PortMap;
}

/** What they answer. All of it is empty for a container that does not run. */
export interface ContainerPorts {
  /** Every published or exposed port afterwards, as `NetworkSettings.Ports` has them. */
  Ports: PortMap;
  /** Host sides that were bound now, or given free. */
  Changed: PortMap;
}

/** How the port keeper stands, as `GET /bridgeport/ports` answers. */
export interface PortKeeperState {
  /** Undefined while none runs. */
  keeper?: {
    pid: number;
    /** Host ports bound now. */
    ports: number;
    rssBytes: number;
    /** Files open now, and the most there may be. */
    descriptors: { open: number; limit: number };
    /** Connections, and flows of UDP, through the proxy now. */
    connections: number;
    flows: number;
  };
  /** Where local ports come from, inclusive: `net.ipv4.ip_local_port_range`. */
  localPorts: { start: number; end: number };
  /** Targets that the proxy has connections to, or has had in the last minute. */
  targets: LocalPortUse[];
}

/** The local ports that connections of the proxy to one target use up. */
export interface LocalPortUse {
  /** `172.17.0.2:80` */
  target: string;
  connections: number;
  /** Local ports in TIME_WAIT. */
  timeWait: number;
  /** Those that new connections can still have without taking one over from TIME_WAIT. */
  free: number;
  /** Connections that took one over. */
  reused: number;
  /** Connections that were refused for want of one. */
  exhausted: number;
}
