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

/** A folder or file of the host that is seen at `target` of a tree. */
export interface TreeBind {
  source: string;
  /** Absolute, in the tree; links in it are followed inside the tree, and what is missing is made. */
  target: string;
  readOnly: boolean;
}

/**
 * A container's files, held open as a whole. Paths are resolved inside it as if by a process whose root it is, whatever is renamed or
 * relinked meanwhile; links of /proc that lead elsewhere are refused.
 */
export interface FileTree {
  /** open(2). Gives a descriptor that the caller closes. Rejects with errno. */
  open(path: string | Uint8Array, flags: number): Promise<number>;
  /** Where an open file is now, seen from the root of the tree: `/data/x`. */
  pathOf(fd: number): string;
  /** Idempotent. */
  close(): void;
}

/** Files of trees that are not ours. A path goes through a descriptor, `/proc/self/fd/N/name`, and its last name is not followed. */
export interface HostFiles {
  /** `O_PATH` of open(2), which Node does not name. */
  readonly O_PATH: number;
  /**
   * What a process sees. With `rootOnly`, the filesystem at its root alone: what is mounted on folders in it is not seen.
   * Throws with errno when the process is gone.
   */
  openProcessTree(pid: number, options: { rootOnly: boolean }): FileTree;
  /**
   * Mounts a snapshot where nobody else sees it; `folder` is an existing empty folder, the same for every tree. `make`: folders that are
   * made where they are missing, as are targets of binds.
   */
  openSnapshotTree(
    mounts: RootfsMount[],
    options: { folder: string; binds: readonly TreeBind[]; readOnly: boolean; make?: readonly string[] },
  ): FileTree;
  /** mknod(2) */
  makeNode(path: string | Uint8Array, mode: number, device: { major: number; minor: number }): void;
  /** `st_rdev` in its parts. */
  decodeDevice(device: number): { major: number; minor: number };
  /** Undefined when there is none of this name. */
  readXattr(fd: number, name: string): Buffer | undefined;
  writeXattr(fd: number, name: string, value: Uint8Array): void;
}

/** Names one process for good; a pid alone may be another's after its end. */
export interface ProcessRef {
  readonly pid: number;
  readonly startTime: number;
  readonly bootId: string;
}

export interface HostSystem {
  readonly files: HostFiles;
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
  /**
   * The process that has this pid, and belongs to a cgroup whose path holds this name if one is given; undefined when there is none, as
   * when the pid is one of another pid namespace, where the runtime lives.
   */
  identify(pid: number, cgroup?: string): ProcessRef | undefined;
  /** kill(2) to exactly this process; false when it has ended. */
  signal(process: ProcessRef, signal: number): boolean;
  /** Kills all processes of a cgroup, in every hierarchy, and removes it with those below; where there is none, nothing is done. */
  removeCgroups(path: string): Promise<void>;
  /** Capabilities the daemon may hand on, as `CAP_…`. */
  readonly capabilities: readonly string[];
  readonly cgroupVersion: 1 | 2;
  /** The cgroup controllers that are there: `cpu`, `memory`, `blkio`… */
  readonly cgroupControllers: readonly string[];
  readonly hasSeccomp: boolean;
  /** The kernel takes system calls of the x32 ABI (32-bit pointers on x86_64); few do. */
  readonly hasX32: boolean;
}
