/** What the topology needs of the daemon's records; whoever keeps them hands them in. */

import type { EndpointSpec, NetworkSpec, PastOwner, PortMapping } from '../../network/model/index.ts';

/** Read anew for every picture. */
export interface TopologyRecords {
  networks(): readonly NetworkSpec[];
  /** All of them, running or not. */
  containers(): readonly TopologyContainer[];
  /** Who had addresses before, the earliest first, as far as that is remembered. */
  pastOwners?(): readonly PastOwner[];
}

export interface TopologyContainer {
  /** 64 hexadecimal digits */
  id: string;
  /** without a slash */
  name: string;
  image: string;
  /** `running`, `exited` … as `docker inspect` shows it */
  state: string;
  /** 0: it does not run. */
  pid: number;
  /** Networks that it joins, or would join at its start. */
  networkIds: readonly string[];
  /** Id of the container whose network it uses (`--network container:NAME`). */
  sharesWith: string | undefined;
  /** Absent when it does not run. */
  sandbox: TopologySandbox | undefined;
  /** Ports that the image or `--expose` names: `80/tcp`, `90-92/tcp`. */
  exposedPorts: readonly string[];
  /** Container ports that it is to have published (`-p`, and with `-P` those above): `80/tcp`. */
  publishes: readonly string[];
  labels: Readonly<Record<string, string>>;
  links: ReadonlyArray<{ to: string; alias: string }>;
  /** Names that the embedded resolver answers, by the network on which it does. */
  names: Readonly<Record<string, readonly string[]>>;
}

export interface TopologySandbox {
  /** Path of the network namespace. */
  path: string;
  /** None in the networks `host` and `none`. */
  endpoints: readonly EndpointSpec[];
  ports: readonly PortMapping[];
}
