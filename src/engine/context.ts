/** What every part of the engine works with; put together in `daemon.ts`. */

import type { Log } from '../base/log.ts';
import type { NetworkController } from '../network/controller/controller.ts';
import type { Containerd } from '../runtime/containerd/client.ts';
import type { DaemonDefaults, ImageDefaults } from './containers/normalize.ts';
import type { EventBus } from './events/bus.ts';
import type { HostSystem } from './host-system.ts';

/** An image as a container needs it. */
export interface ResolvedImage {
  /** `sha256:…` of the config */
  id: string;
  /** `linux/amd64` */
  platform: string;
  /** Name of the committed snapshot of its uppermost layer; empty for an image without layers. */
  chainId: string;
  defaults: ImageDefaults;
}

export interface ImageResolver {
  /** By name, id, id prefix or digest. Throws `not-found` with `No such image: …`. */
  resolve(reference: string, platform?: string | undefined): Promise<ResolvedImage>;
}

export interface EngineSettings {
  dataRoot: string;
  execRoot: string;
  /** Where runc notes what runs, in a folder for each of containerd's namespaces. */
  runcRoot: string;
  snapshotter: string;
  /** Without a leading slash: `bridgeport`. */
  cgroupParent: string;
  /** Host path of a static init program, undefined when the host has none. */
  initPath: string | undefined;
  defaults: DaemonDefaults;
  hostGatewayIps: readonly string[];
  liveRestore: boolean;
  /** seconds that containers get when the daemon stops */
  shutdownTimeout: number;
  cpus: number;
}

export interface EngineContext {
  settings: EngineSettings;
  containerd: Containerd;
  network: NetworkController;
  images: ImageResolver;
  events: EventBus;
  host: HostSystem;
  log: Log;
}
