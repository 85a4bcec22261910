/** What `docker commit` and `docker build` ask for, as the API hands it to the engine. */

import type { AuthConfig, ContainerConfig, Ulimit } from './wire/index.ts';

export interface CommitOptions {
  /** Empty: the image gets no name. */
  repository: string;
  tag: string;
  comment: string;
  author: string;
  /** The container stands still meanwhile. */
  pause: boolean;
  /** Instructions of a Dockerfile for the image's configuration. */
  changes: string[];
  /** Undefined: the container's own. What it leaves open is taken from the container. */
  config: Partial<ContainerConfig> | undefined;
}

/** The query of `POST /build`, with Docker's meanings; nothing given is `''`, 0, false or an empty list. */
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
