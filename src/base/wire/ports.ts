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
