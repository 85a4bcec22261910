/** What the store keeps of a container: its desired state, and what was last observed of it. */

import type {
  ContainerConfig,
  ContainerStatus,
  EndpointSettings,
  Health,
  HostConfig,
  MountPoint,
} from '../../base/wire/index.ts';

export interface StateRecord {
  /** `restarting` is a stopped container that its policy will start again. */
  status: ContainerStatus;
  pid: number;
  exitCode: number;
  error: string;
  oomKilled: boolean;
  startedAt: string;
  finishedAt: string;
  health?: Health | undefined;
  /** How the present run ended, from its end until all of it has been taken away: then the runtime no longer knows. */
  ended?: { exitCode: number; at: string } | undefined;
}

/** A link as it was asked for: the other container by id, and the name it goes by. */
export interface LinkRecord {
  containerId: string;
  alias: string;
}

export interface ContainerRecord {
  id: string;
  /** without the leading slash */
  name: string;
  createdAt: string;
  /** `sha256:…` of the image's config */
  imageId: string;
  /** What it was called when the container was created. */
  imageName: string;
  /** `linux/amd64` */
  platform: string;
  snapshotter: string;
  config: ContainerConfig;
  hostConfig: HostConfig;
  /** The networks to join, by the names the user gave. */
  networks: Record<string, EndpointSettings>;
  links: LinkRecord[];
  mounts: MountPoint[];
  state: StateRecord;
  /** What the user wants: only `stop`, `kill` and a natural end change it; a crash of the daemon does not. */
  wanted: 'running' | 'stopped';
  /** `docker stop` was the last word: `unless-stopped` then stays down. */
  stoppedByUser: boolean;
  restartCount: number;
  /** True from the first step of a removal: what is found like this at start is removed to the end. */
  removing: boolean;
}
