/**
 * What the engine needs of the kernel beyond what Node offers. The engine may not import `kernel`; `daemon.ts` hands an
 * implementation in.
 */

/** As containerd describes mounts; `target` is relative to the rootfs. */
export interface RootfsMount {
  type: string;
  source: string;
  target?: string | undefined;
  options: string[];
}

export interface HostSystem {
  /** mkfifo(3) with mode 0700; an existing FIFO is fine. */
  makeFifo(path: string): void;
  /** Mounts a snapshot on an existing folder. */
  mountRootfs(mounts: RootfsMount[], target: string): void;
  /** umount2(2) with MNT_DETACH; nothing mounted there is fine. */
  unmount(target: string): void;
  /** Is anything mounted on exactly this folder? */
  isMountPoint(target: string): boolean;
  /** Has FIFOs kept open by a process that outlives the daemon, so that what is in them outlives it too. */
  holdFifos(id: string, paths: string[]): Promise<void>;
  /** After this the FIFOs end when their other users close them. */
  releaseFifos(id: string): Promise<void>;
  /** Capabilities the daemon may hand on, as `CAP_…`. */
  readonly capabilities: readonly string[];
  readonly cgroupVersion: 1 | 2;
  /** The cgroup controllers that are there: `cpu`, `memory`, `blkio`… */
  readonly cgroupControllers: readonly string[];
  readonly hasSeccomp: boolean;
}
