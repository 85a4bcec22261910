/** The containerd client: one HTTP/2 connection over a unix socket, the groups of `api.ts` on top. */

import type { Containerd, RuncOptions } from './api.ts';

export type * from './api.ts';

export interface ClientOptions {
  /** Path of containerd's unix socket. */
  address: string;
  /** containerd's namespace for all calls; Docker's is `moby`. */
  namespace: string;
  /** Default `overlayfs`. */
  snapshotter?: string | undefined;
  /** Given to every container that does not say otherwise. `root` should be set: see `RuncOptions`. */
  runc?: RuncOptions | undefined;
}

/** Makes a client; connects at the first call and again after the connection was lost. */
export declare function connectContainerd(options: ClientOptions): Containerd;
