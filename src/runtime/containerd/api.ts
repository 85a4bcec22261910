/**
 * What the rest of Bridgeport sees of containerd: plain shapes and one interface per service group. The words are
 * containerd's own (content, snapshot, lease, task); see its `api/` directory for their definitions. Everything here
 * is an interface so that the engine can be tested against a fake and the client can be replaced.
 *
 * All methods reject with `ContainerdError` (a `BridgeportError`): `not-found`, `conflict` (both ALREADY_EXISTS and
 * FAILED_PRECONDITION; tell them apart with `isStatus()`), `invalid`, `unavailable` (no answer, or too late) and so on.
 * An aborted signal rejects with the signal's own reason.
 */

import type { CgroupMetrics } from './metrics.ts';

export interface CallOptions {
  signal?: AbortSignal | undefined;
  /**
   * Milliseconds until the call fails with `unavailable`. Default 60,000 for calls that do bounded work, none for those
   * that may rightly take for ever (`wait`, `apply`, `diff`, content reads and writes, `subscribe`).
   */
  timeoutMs?: number | undefined;
}

export type Labels = Record<string, string>;

/** A mount as containerd describes it; `target` is relative to the rootfs and empty for the rootfs itself. */
export interface Mount {
  type: string;
  source: string;
  target?: string | undefined;
  options: string[];
}

/** OCI content descriptor. `digest` is `sha256:…`, `size` in bytes. */
export interface Descriptor {
  mediaType: string;
  digest: string;
  size: number;
  annotations?: Labels | undefined;
}

/** A typed blob: protobuf's Any. OCI documents are JSON inside. */
export interface Any {
  typeUrl: string;
  value: Uint8Array;
}

// ---- content -------------------------------------------------------------------------------------------------

export interface ContentInfo {
  digest: string;
  size: number;
  createdAt: Date;
  updatedAt: Date;
  labels: Labels;
}

/** An unfinished write. `total` is 0 and `expected` empty when they were not announced. */
export interface IngestStatus {
  ref: string;
  offset: number;
  total: number;
  expected: string;
  startedAt: Date;
  updatedAt: Date;
}

export interface ContentWrite extends CallOptions {
  /** Names the ingest. A write with the ref of an interrupted one goes on where that stopped. */
  ref: string;
  /** What the whole must hash to; unchecked when absent. */
  digest?: string | undefined;
  /** Bytes of the whole; unchecked when absent. */
  size?: number | undefined;
  /** E.g. `containerd.io/gc.ref.content.0` on a manifest, so that what it names is kept. */
  labels?: Labels | undefined;
  /**
   * The whole content from its first byte, or a function that opens it at `offset` (to resume a download without
   * fetching the first part again). When an ingest is resumed from a plain source, the part already there is skipped.
   */
  source: ContentSource | ((offset: number) => ContentSource | Promise<ContentSource>);
}

export type ContentSource = Uint8Array | AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

export interface Content {
  info(digest: string, options?: CallOptions): Promise<ContentInfo>;
  /** `filters` in containerd's syntax (`labels."k"==v`), joined by OR; all when absent. */
  list(filters?: string[], options?: CallOptions): Promise<ContentInfo[]>;
  /** The blob in pieces (at most 1 MiB each), from `offset` (default 0) for `size` bytes (default to the end). */
  read(digest: string, options?: CallOptions & { offset?: number; size?: number }): AsyncIterable<Buffer>;
  readAll(digest: string, options?: CallOptions): Promise<Buffer>;
  /** At most `size` bytes from `offset`: shorter at the end of the blob. */
  readAt(digest: string, offset: number, size: number, options?: CallOptions): Promise<Buffer>;
  /**
   * Writes, verifies and commits one blob. A blob that is already there (`digest` given) is no error. When it fails the
   * ingest stays, to be resumed or aborted, except after a wrong digest or size (`invalid`): then it is aborted.
   */
  write(write: ContentWrite): Promise<{ digest: string; size: number }>;
  delete(digest: string, options?: CallOptions): Promise<void>;
  /** Sets the labels named, leaves the others; an empty value removes a label. */
  updateLabels(digest: string, labels: Labels, options?: CallOptions): Promise<ContentInfo>;
  /** `not-found` when no such ingest is open. */
  status(ref: string, options?: CallOptions): Promise<IngestStatus>;
  ingests(options?: CallOptions): Promise<IngestStatus[]>;
  abort(ref: string, options?: CallOptions): Promise<void>;
}

// ---- snapshots -----------------------------------------------------------------------------------------------

export type SnapshotKind = 'unknown' | 'view' | 'active' | 'committed';

export interface SnapshotInfo {
  name: string;
  /** Empty for a base layer. */
  parent: string;
  kind: SnapshotKind;
  createdAt: Date;
  updatedAt: Date;
  labels: Labels;
}

export interface SnapshotUsage {
  /** Bytes on disk of this snapshot alone, without its parents. */
  size: number;
  inodes: number;
}

export interface Snapshots {
  /** The snapshotter these calls go to: `overlayfs`. */
  readonly snapshotter: string;
  /**
   * A writable snapshot on `parent` (`''` for none). `conflict` when `key` exists. The garbage collector takes what no lease,
   * container record, image or label `containerd.io/gc.root` holds: make the container record first (it may name a snapshot that
   * is not there yet), and no lease is needed.
   */
  prepare(key: string, parent: string, labels?: Labels, options?: CallOptions): Promise<Mount[]>;
  /** A read-only one. */
  view(key: string, parent: string, labels?: Labels, options?: CallOptions): Promise<Mount[]>;
  mounts(key: string, options?: CallOptions): Promise<Mount[]>;
  /** Turns the active snapshot `key` into the committed `name`; `conflict` when `name` exists (`key` then stays). */
  commit(name: string, key: string, labels?: Labels, options?: CallOptions): Promise<void>;
  /**
   * `conflict` (FAILED_PRECONDITION) while it has children. Remove a container's snapshot before its record: once the record
   * is gone the garbage collector may be quicker (`not-found`).
   */
  remove(key: string, options?: CallOptions): Promise<void>;
  stat(key: string, options?: CallOptions): Promise<SnapshotInfo>;
  /** Sets the labels named, leaves the others; an empty value removes a label. */
  updateLabels(key: string, labels: Labels, options?: CallOptions): Promise<SnapshotInfo>;
  usage(key: string, options?: CallOptions): Promise<SnapshotUsage>;
  list(filters?: string[], options?: CallOptions): Promise<SnapshotInfo[]>;
}

// ---- diff ----------------------------------------------------------------------------------------------------

export interface DiffOptions extends CallOptions {
  /** Default `application/vnd.oci.image.layer.v1.tar+gzip`; without `+gzip` the tar is left as it is. */
  mediaType?: string | undefined;
  /** Ingest ref; made up when absent. */
  ref?: string | undefined;
  /** Labels of the blob that is written. */
  labels?: Labels | undefined;
}

export interface Diff {
  /**
   * Unpacks the layer blob `diff` into `mounts`. Returns the descriptor of the *uncompressed* tar: its `digest` is the
   * layer's diff ID. Understands tar, gzip and zstd by media type; Docker's media types too. Whiteouts are turned into
   * overlayfs's.
   */
  apply(diff: Descriptor, mounts: Mount[], options?: CallOptions): Promise<Descriptor>;
  /** Packs the changes from `lower` to `upper` as a layer blob; the blob's label `containerd.io/uncompressed` has its diff ID. */
  diff(lower: Mount[], upper: Mount[], options?: DiffOptions): Promise<Descriptor>;
}

// ---- images, leases, namespaces ------------------------------------------------------------------------------

export interface ImageRecord {
  name: string;
  labels: Labels;
  target: Descriptor;
  createdAt: Date;
  updatedAt: Date;
}

export type ImageInput = { name: string; labels?: Labels | undefined; target: Descriptor };

export interface Images {
  create(image: ImageInput, options?: CallOptions): Promise<ImageRecord>;
  /** Replaces labels and target, or only the fields named in `fields` (`target`, `labels`, `labels.KEY`). */
  update(image: ImageInput, fields?: string[], options?: CallOptions): Promise<ImageRecord>;
  get(name: string, options?: CallOptions): Promise<ImageRecord>;
  list(filters?: string[], options?: CallOptions): Promise<ImageRecord[]>;
  /** `sync` waits for the garbage collection that follows. */
  delete(name: string, options?: CallOptions & { sync?: boolean }): Promise<void>;
}

export interface Lease {
  id: string;
  createdAt: Date;
  labels: Labels;
}

/** `type`: `content`, `snapshots/overlayfs`, `ingests`. */
export interface LeaseResource {
  id: string;
  type: string;
}

export interface Leases {
  /** `expiresInMs` (default: never) becomes the label `containerd.io/gc.expire`. The id is made up when absent. */
  create(
    lease?: { id?: string; labels?: Labels; expiresInMs?: number },
    options?: CallOptions,
  ): Promise<Lease>;
  delete(id: string, options?: CallOptions & { sync?: boolean }): Promise<void>;
  list(filters?: string[], options?: CallOptions): Promise<Lease[]>;
  addResource(id: string, resource: LeaseResource, options?: CallOptions): Promise<void>;
  deleteResource(id: string, resource: LeaseResource, options?: CallOptions): Promise<void>;
  resources(id: string, options?: CallOptions): Promise<LeaseResource[]>;
}

export interface Namespaces {
  /** Creates the namespace unless it exists. Calls in a namespace that does not exist make it too. */
  ensure(name: string, labels?: Labels, options?: CallOptions): Promise<void>;
  list(options?: CallOptions): Promise<string[]>;
  /** `conflict` while it holds anything. */
  delete(name: string, options?: CallOptions): Promise<void>;
}

// ---- containers ----------------------------------------------------------------------------------------------

/** Options of `io.containerd.runc.v2`, as `containerd.runc.v1.Options` has them. All default to off or empty. */
export interface RuncOptions {
  /** Path or name of the OCI runtime; `runc` from containerd's PATH when empty. */
  binaryName?: string | undefined;
  /** The runtime's state directory. When empty the shim takes `/run/containerd/runc`, which two containerds would share. */
  root?: string | undefined;
  systemdCgroup?: boolean | undefined;
  noPivotRoot?: boolean | undefined;
  noNewKeyring?: boolean | undefined;
  shimCgroup?: string | undefined;
  /** Owner of the pipes to the container's process, for a remapped root. */
  ioUid?: number | undefined;
  ioGid?: number | undefined;
}

export interface ContainerRecord {
  id: string;
  labels: Labels;
  image: string;
  runtime: { name: string; options?: Any | undefined };
  /** The OCI runtime spec, parsed; `undefined` when the record has none. */
  spec: unknown;
  snapshotter: string;
  snapshotKey: string;
  createdAt: Date;
  updatedAt: Date;
}

export interface ContainerInput {
  id: string;
  /** Keys and values together at most 4096 bytes each. */
  labels?: Labels | undefined;
  /** Free text for the record; nothing checks it. */
  image?: string | undefined;
  /** The OCI runtime spec as an object; it is stored as JSON. */
  spec: object;
  /** Default `io.containerd.runc.v2` with the client's own runc options. */
  runtime?: { name: string; options?: Any | undefined } | undefined;
  /** Options of the default runtime; merged over the client's own. */
  runc?: RuncOptions | undefined;
  /** Naming the snapshot keeps the garbage collector from it. */
  snapshotter?: string | undefined;
  snapshotKey?: string | undefined;
}

export interface Containers {
  create(container: ContainerInput, options?: CallOptions): Promise<ContainerRecord>;
  get(id: string, options?: CallOptions): Promise<ContainerRecord>;
  list(filters?: string[], options?: CallOptions): Promise<ContainerRecord[]>;
  /** Replaces the fields given (`spec`, `labels`, `image`, `snapshotKey`). */
  update(
    change: { id: string; spec?: object; labels?: Labels; image?: string; snapshotKey?: string },
    options?: CallOptions,
  ): Promise<ContainerRecord>;
  /** Deletes the record only: delete the task first, for containerd does not look, and a task without record cannot be reached. */
  delete(id: string, options?: CallOptions): Promise<void>;
}

// ---- tasks ---------------------------------------------------------------------------------------------------

export type TaskStatus = 'unknown' | 'created' | 'running' | 'stopped' | 'paused' | 'pausing';

/** A process of a task: its init, or an exec. */
export interface TaskProcess {
  containerId: string;
  /** The exec id; for the init process the container's id. */
  id: string;
  /** 0 once it is gone. */
  pid: number;
  status: TaskStatus;
  stdin: string;
  stdout: string;
  stderr: string;
  terminal: boolean;
  exitStatus: number;
  exitedAt: Date | undefined;
}

/**
 * Where a process's streams go: paths of FIFOs or regular files that exist, absent for none. Stdout and stderr go
 * together, except with `terminal`, where there is no stderr. Open the reading end of a FIFO before `create()`, or it
 * blocks. See the head of `tasks.ts` for how the shim treats them.
 */
export interface TaskIo {
  stdin?: string | undefined;
  stdout?: string | undefined;
  stderr?: string | undefined;
  terminal?: boolean | undefined;
}

export interface ExitStatus {
  /** 0–255; 128 + signal number when a signal ended it. */
  exitStatus: number;
  exitedAt: Date;
}

export interface TaskCreate extends TaskIo, CallOptions {
  containerId: string;
  /** Mounted by the shim on the bundle's `rootfs`; what `snapshots.prepare()` returned. */
  rootfs?: Mount[] | undefined;
  /** Options for this task; default those of the container record. */
  runc?: RuncOptions | undefined;
}

export interface ExecCreate extends TaskIo, CallOptions {
  execId: string;
  /** An OCI `process` object. */
  process: object;
}

/** Where a call takes `execId`, its absence means the init process. */
export interface ExecOption {
  execId?: string | undefined;
}

export interface Tasks {
  /** Starts the shim and makes the container (`runc create`); its process waits. Returns the pid in our pid namespace. */
  create(task: TaskCreate): Promise<{ pid: number }>;
  /** Lets the init process, or the exec `execId`, run. */
  start(containerId: string, options?: CallOptions & ExecOption): Promise<{ pid: number }>;
  /** Removes a task that is stopped (`conflict` when it runs) and ends its shim. */
  delete(containerId: string, options?: CallOptions): Promise<ExitStatus & { pid: number }>;
  deleteProcess(
    containerId: string,
    execId: string,
    options?: CallOptions,
  ): Promise<ExitStatus & { pid: number }>;
  get(containerId: string, options?: CallOptions & ExecOption): Promise<TaskProcess>;
  list(options?: CallOptions): Promise<TaskProcess[]>;
  /** `signal` by number. `all` sends it to every process of the container. `not-found` when the process is gone. */
  kill(
    containerId: string,
    signal: number,
    options?: CallOptions & ExecOption & { all?: boolean },
  ): Promise<void>;
  /** Adds a process to a running task; `start(id, {execId})` lets it run. */
  exec(containerId: string, exec: ExecCreate): Promise<void>;
  /** Resolves when the process has ended, at once when it had ended before and is not deleted yet. No deadline. */
  wait(containerId: string, options?: CallOptions & ExecOption): Promise<ExitStatus>;
  pause(containerId: string, options?: CallOptions): Promise<void>;
  resume(containerId: string, options?: CallOptions): Promise<void>;
  resizePty(
    containerId: string,
    size: { width: number; height: number },
    options?: CallOptions & ExecOption,
  ): Promise<void>;
  /** Closes the shim's end of stdin, so that the process reads end of file. */
  closeStdin(containerId: string, options?: CallOptions & ExecOption): Promise<void>;
  /** Every process in the container, execs and children included. */
  pids(containerId: string, options?: CallOptions): Promise<number[]>;
  /** `resources` is an OCI `linux.resources` object. */
  update(containerId: string, resources: object, options?: CallOptions): Promise<void>;
  metrics(containerId: string, options?: CallOptions): Promise<CgroupMetrics>;
}

// ---- events --------------------------------------------------------------------------------------------------

export type TaskEvent =
  | { type: 'task-create'; containerId: string; pid: number; bundle: string }
  | { type: 'task-start'; containerId: string; pid: number }
  /** `execId` is `undefined` for the init process. */
  | {
      type: 'task-exit';
      containerId: string;
      execId: string | undefined;
      pid: number;
      exitStatus: number;
      exitedAt: Date;
    }
  | {
      type: 'task-delete';
      containerId: string;
      execId: string | undefined;
      pid: number;
      exitStatus: number;
      exitedAt: Date;
    }
  | { type: 'task-oom'; containerId: string }
  | { type: 'task-exec-added'; containerId: string; execId: string }
  | { type: 'task-exec-started'; containerId: string; execId: string; pid: number }
  | { type: 'task-paused'; containerId: string }
  | { type: 'task-resumed'; containerId: string };

/** Anything else (images, snapshots, leases…), undecoded. */
export type OtherEvent = { type: 'other'; event: Any };

/** The process that looks after a task. */
export interface Shim {
  pid: number;
  containerId: string;
}

export type ContainerdEvent = { timestamp: Date; namespace: string; topic: string } & (
  | TaskEvent
  | OtherEvent
);

export interface Events {
  /**
   * Events from now on, in order. Default filter: the task events of this client's namespace. Ends when the signal
   * aborts; rejects with `unavailable` when containerd goes away (subscribe again and reconcile: events in between are
   * lost). The stream is open, and no later event can be missed, once `onOpen` was called.
   */
  subscribe(options?: {
    filters?: string[];
    signal?: AbortSignal;
    onOpen?: () => void;
  }): AsyncIterable<ContainerdEvent>;
}

// ---- the whole -----------------------------------------------------------------------------------------------

export interface ContainerdVersion {
  /** `1.6.20~ds1` */
  version: string;
  revision: string;
}

export interface Containerd {
  readonly namespace: string;
  /** The folder of this namespace's bundles, of which each is named after its container; undefined when that is not known. */
  readonly bundles: string | undefined;
  /** The shims that run for this namespace, those that containerd does not know any more among them. */
  shims(): Promise<Shim[]>;
  version(options?: CallOptions): Promise<ContainerdVersion>;
  /** Resolves with the version as soon as containerd answers; `unavailable` when it has not after `timeoutMs`. */
  ready(timeoutMs: number, signal?: AbortSignal): Promise<ContainerdVersion>;
  readonly content: Content;
  /** Snapshots of the default snapshotter. */
  readonly snapshots: Snapshots;
  snapshotter(name: string): Snapshots;
  readonly diff: Diff;
  readonly images: Images;
  readonly leases: Leases;
  readonly namespaces: Namespaces;
  readonly containers: Containers;
  readonly tasks: Tasks;
  readonly events: Events;
  /**
   * Runs `work` with a client whose every call holds what it makes under a fresh lease, so that the garbage collector
   * leaves half-made things alone; the lease goes when `work` ends. `expiresInMs` (default 24 h) is for our own crash.
   */
  withLease<T>(
    work: (client: Containerd, leaseId: string) => Promise<T>,
    options?: { expiresInMs?: number; signal?: AbortSignal },
  ): Promise<T>;
  /** Ends the connection; calls under way fail with `unavailable`. */
  close(): void;
}
