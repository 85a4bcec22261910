/** What a build is asked for: the query of `POST /build`. */

import type { AuthConfig, Ulimit } from '../../base/wire/index.ts';

export interface BuildOptions {
  /** Path in the context. */
  dockerfile: string;
  /** Names that the image gets. */
  tags: string[];
  buildArgs: Record<string, string | null>;
  labels: Record<string, string>;
  /** The last stage to be built; `''`: the last there is. */
  target: string;
  /** `''`: this host's. */
  platform: string;
  noCache: boolean;
  /** Base images are asked for at their registry even when they are here. */
  pull: boolean;
  /** Containers of RUN go when the image is made … */
  remove: boolean;
  /** … and also when they have failed. */
  forceRemove: boolean;
  /** Only the ID is told. */
  quiet: boolean;
  /** For the containers of RUN. */
  networkMode: string;
  extraHosts: string[];
  shmSize: number;
  memory: number;
  memorySwap: number;
  cpuShares: number;
  cpuPeriod: number;
  cpuQuota: number;
  cpusetCpus: string;
  cpusetMems: string;
  cgroupParent: string;
  ulimits: Ulimit[];
  securityOpt: string[];
  /** What the client gave and has no meaning here: named in the output. */
  ignored: string[];
  /** By registry. */
  auths: Record<string, AuthConfig>;
}
