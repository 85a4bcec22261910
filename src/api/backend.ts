/**
 * What the HTTP API needs from whoever serves it. The API declares it and imports nothing of the engine; `daemon.ts` hands
 * the engine in. Every method throws `BridgeportError`; `status.ts` turns its kind into the HTTP status.
 *
 * A `ref` is a name, a full id or an unambiguous id prefix.
 */

import type { Readable, Writable } from 'node:stream';
import type { BuildOptions, CommitOptions } from '../base/image-requests.ts';
import type {
  AuthConfig,
  AuthResult,
  ContainerCreateBody,
  ContainerCreated,
  ContainerInspect,
  ContainerPorts,
  ContainerStats,
  ContainerTop,
  ContainerUpdateBody,
  ContainerWaitResult,
  DoctorLanguage,
  DoctorReport,
  EventMessage,
  ExecCreateBody,
  ExecInspect,
  ExplainLanguage,
  FilesystemChange,
  Filters,
  FlowLine,
  ImageDeleteItem,
  ImageHistoryItem,
  ImageInspect,
  ImageSummary,
  ImagesPruned,
  ListedContainer,
  NetworkConnectBody,
  NetworkCreateBody,
  NetworkDisconnectBody,
  NetworkInspect,
  PathStat,
  PortMap,
  ProgressMessage,
  RulesReport,
  SystemInfo,
  Traffic,
  VersionInfo,
  Volume,
  VolumeCreateBody,
  VolumeList,
  WhyReport,
} from '../base/wire/index.ts';

/** One piece of a container's output, in the order it was written. */
export interface LogRecord {
  stream: 'stdout' | 'stderr';
  /** RFC 3339 with nanoseconds */
  time: string;
  /** a line with its newline, or a part of a long one without */
  data: Buffer;
}

export interface LogsOptions {
  stdout: boolean;
  stderr: boolean;
  follow: boolean;
  /** seconds since the epoch, with fraction; 0: from the start */
  since: number;
  /** seconds since the epoch, with fraction; 0: no end */
  until: number;
  /** number of lines from the end; null: all */
  tail: number | null;
  signal: AbortSignal;
}

/** The client's ends of an attached session. A stream that was not asked for is undefined. */
export interface SessionStreams {
  stdin?: Readable | undefined;
  stdout?: Writable | undefined;
  /** the same as stdout when there is a terminal */
  stderr?: Writable | undefined;
  /** aborted when the client has gone */
  signal: AbortSignal;
}

/** Checked and ready; the API switches protocols only after it has one of these, so that errors are still plain HTTP. */
export interface StreamSession {
  /** true: raw bytes; false: frames of 8-byte header (`stdcopy`) */
  tty: boolean;
  /** Resolves when the output has ended, the client detached or the signal was aborted. */
  run(streams: SessionStreams): Promise<void>;
}

export interface AttachOptions {
  stdin: boolean;
  stdout: boolean;
  stderr: boolean;
  /** replay the log first */
  logs: boolean;
  /** stay for what comes */
  stream: boolean;
  /** `ctrl-p,ctrl-q` */
  detachKeys: string | undefined;
}

export interface ContainerListOptions {
  all: boolean;
  limit: number;
  size: boolean;
  filters: Filters;
}

export type WaitCondition = 'not-running' | 'next-exit' | 'removed';

export interface ContainersBackend {
  create(
    name: string | undefined,
    platform: string | undefined,
    body: ContainerCreateBody,
  ): Promise<ContainerCreated>;
  list(options: ContainerListOptions): Promise<ListedContainer[]>;
  inspect(ref: string, size: boolean): Promise<ContainerInspect>;
  start(ref: string): Promise<void>;
  /** `timeout` in seconds, -1 for ever; undefined: the container's own, then 10 */
  stop(ref: string, options: { signal: string | undefined; timeout: number | undefined }): Promise<void>;
  restart(ref: string, options: { signal: string | undefined; timeout: number | undefined }): Promise<void>;
  kill(ref: string, signal: string | undefined): Promise<void>;
  pause(ref: string): Promise<void>;
  unpause(ref: string): Promise<void>;
  rename(ref: string, name: string): Promise<void>;
  update(ref: string, body: ContainerUpdateBody): Promise<{ Warnings: string[] }>;
  remove(ref: string, options: { force: boolean; volumes: boolean; link: boolean }): Promise<void>;
  prune(filters: Filters): Promise<{ ContainersDeleted: string[] | null; SpaceReclaimed: number }>;
  /** Resolves at once with a promise for the result, so that the API can send its headers when the wait is registered. */
  wait(
    ref: string,
    condition: WaitCondition,
    signal: AbortSignal,
  ): Promise<{ result: Promise<ContainerWaitResult> }>;
  attach(ref: string, options: AttachOptions): Promise<StreamSession>;
  resize(ref: string, height: number, width: number): Promise<void>;
  logs(ref: string, options: LogsOptions): Promise<{ tty: boolean; records: AsyncIterable<LogRecord> }>;
  top(ref: string, psArgs: string): Promise<ContainerTop>;
  /** One sample (`stream` false; `oneShot`: without the preceding one), or one a second until aborted or the container is gone. */
  stats(
    ref: string,
    options: { stream: boolean; oneShot: boolean; signal: AbortSignal },
  ): Promise<AsyncIterable<ContainerStats>>;
  changes(ref: string): Promise<FilesystemChange[]>;
  export(ref: string): Promise<Readable>;
  statPath(ref: string, path: string): Promise<PathStat>;
  getArchive(ref: string, path: string): Promise<{ stat: PathStat; tar: Readable }>;
  putArchive(
    ref: string,
    path: string,
    tar: Readable,
    options: { noOverwriteDirNonDir: boolean; copyUidGid: boolean },
  ): Promise<void>;
  execCreate(ref: string, body: ExecCreateBody): Promise<{ Id: string }>;
  /** Starts in the background. */
  execStartDetached(execId: string): Promise<void>;
  execStart(
    execId: string,
    options: { tty: boolean; consoleSize: [number, number] | undefined },
  ): Promise<StreamSession>;
  execResize(execId: string, height: number, width: number): Promise<void>;
  execInspect(execId: string): Promise<ExecInspect>;
}

export type Progress = (message: ProgressMessage) => void;

export interface ImagesBackend {
  list(options: { all: boolean; digests: boolean; filters: Filters }): Promise<ImageSummary[]>;
  inspect(ref: string): Promise<ImageInspect>;
  history(ref: string): Promise<ImageHistoryItem[]>;
  tag(ref: string, repository: string, tag: string): Promise<void>;
  remove(ref: string, options: { force: boolean; prune: boolean }): Promise<ImageDeleteItem[]>;
  prune(filters: Filters): Promise<ImagesPruned>;
  /** Errors before the first progress message are thrown; later ones are thrown too and the API writes them into the stream. */
  pull(
    reference: { name: string; tag: string; platform: string | undefined },
    auth: AuthConfig | undefined,
    progress: Progress,
    signal: AbortSignal,
  ): Promise<void>;
  load(tar: Readable, quiet: boolean, progress: Progress, signal: AbortSignal): Promise<void>;
  save(refs: string[]): Promise<Readable>;
  import(
    tar: Readable,
    options: {
      repository: string;
      tag: string;
      message: string;
      changes: string[];
      platform: string | undefined;
    },
    progress: Progress,
    signal: AbortSignal,
  ): Promise<void>;
}

/** Images that are made here. */
export interface BuildBackend {
  /**
   * Builds the context's Dockerfile. What is wrong before the first step is thrown; later failures are the last message.
   * `room()` resolves when the client has taken what it was told: a command may say more than it can take.
   */
  build(
    tar: Readable,
    options: BuildOptions,
    progress: Progress,
    room: () => Promise<void>,
    signal: AbortSignal,
  ): Promise<void>;
  /** Gives the ID of the new image. */
  commit(ref: string, options: CommitOptions, signal: AbortSignal): Promise<string>;
}

export interface NetworksBackend {
  list(filters: Filters): Promise<NetworkInspect[]>;
  inspect(ref: string, options: { verbose: boolean; scope: string | undefined }): Promise<NetworkInspect>;
  create(body: NetworkCreateBody): Promise<{ Id: string; Warning: string }>;
  remove(ref: string): Promise<void>;
  connect(ref: string, body: NetworkConnectBody): Promise<void>;
  disconnect(ref: string, body: NetworkDisconnectBody): Promise<void>;
  prune(filters: Filters): Promise<{ NetworksDeleted: string[] | null }>;
}

export interface VolumesBackend {
  list(filters: Filters): Promise<VolumeList>;
  inspect(name: string): Promise<Volume>;
  create(body: VolumeCreateBody): Promise<Volume>;
  remove(name: string, force: boolean): Promise<void>;
  prune(filters: Filters): Promise<{ VolumesDeleted: string[] | null; SpaceReclaimed: number }>;
}

export interface SystemBackend {
  version(): Promise<VersionInfo>;
  info(): Promise<SystemInfo>;
  auth(config: AuthConfig): Promise<AuthResult>;
  /** What `GET /system/df` answers. */
  diskUsage(types: string[]): Promise<{ Containers: ListedContainer[] | null } & Record<string, unknown>>;
  /** Past events from `since`, then, unless `until` has passed, those that come. Times are seconds since the epoch, with fraction. */
  events(options: {
    since: number | undefined;
    until: number | undefined;
    filters: Filters;
    signal: AbortSignal;
  }): AsyncIterable<EventMessage>;
}

/** Published ports of containers that are there already: Bridgeport's own, under `/bridgeport/`. */
export interface PortsBackend {
  /** Publishes more; all of them or none. */
  add(ref: string, bindings: PortMap): Promise<ContainerPorts>;
  /** An empty list of host sides, or one without a port, means all of them. */
  remove(ref: string, bindings: PortMap): Promise<ContainerPorts>;
}

export interface FlowQuery {
  /** What happens from now on, until `signal`; otherwise what there is. */
  follow: boolean;
  /** With `follow`: packets that rules drop, too. */
  drops: boolean;
  /** A container's name: only its connections. */
  container: string | undefined;
  signal: AbortSignal;
}

export interface CaptureQuery {
  /** A container, a network, or a published port (`:8080`). */
  target: string;
  /** tcpdump's language; empty: everything. */
  filter: string;
  /** Ends after so many packets; undefined: never by itself. */
  count: number | undefined;
  /** Bytes that are kept of each; undefined: all in pcapng, the headers in JSON. */
  snapLength: number | undefined;
  format: 'pcapng' | 'json';
  signal: AbortSignal;
}

/** Bridgeport's own part of the API, under `/bridgeport/`. */
export interface ObserveBackend {
  /** How the port keeper stands, and how many local ports its targets have left. */
  ports(): Promise<unknown>;
  /** The topology as plain JSON. */
  map(): Promise<object>;
  /** Who can reach each published port, as plain JSON (`PortExposure[]`). */
  exposure(language: ExplainLanguage): Promise<unknown>;
  /** Every firewall rule in force, explained. */
  rules(language: ExplainLanguage): Promise<RulesReport>;
  /** Whether one reaches another, and why not. `not-found` for names that nobody has, `invalid` for what cannot be asked. */
  why(question: WhyQuery): Promise<WhyReport>;
  /** Everything that is counted, in Prometheus's text format. */
  metrics(): Promise<string>;
  /** What is wrong with the network, in words of a language. */
  doctor(language: DoctorLanguage): Promise<DoctorReport>;
  /** Connections, or what happens to them, many lines at a time. */
  flows(options: FlowQuery): AsyncIterable<FlowLine[]>;
  /** Packets in the format that is asked for. Throws at once for a target that is not there, and a filter that is not understood. */
  capture(options: CaptureQuery): AsyncIterable<Buffer>;
  /** Counters of the host's links, for rates. */
  traffic(): Promise<Traffic>;
}

export interface WhyQuery {
  from: string;
  to: string;
  /** `tcp/80`; undefined: what the other end most likely serves. */
  service: string | undefined;
  family: 4 | 6 | undefined;
  language: ExplainLanguage;
  /** Send a real packet too. */
  probe: boolean;
}

/** The web page's listener. */
export interface PageBackend {
  /** Opens it unless it is open already. */
  open(): Promise<OpenPage>;
}

export interface OpenPage {
  /** With the token: `http://127.0.0.1:8088/bridgeport/ui#token=…` */
  url: string;
  /** True when the daemon was told to serve the page for good (`--ui-address`). */
  stays: boolean;
  /** Closes the listener when nobody else has it open, and it does not stay. */
  release(): Promise<void>;
}

export interface Backend {
  containers: ContainersBackend;
  images: ImagesBackend;
  build: BuildBackend;
  networks: NetworksBackend;
  volumes: VolumesBackend;
  system: SystemBackend;
  ports: PortsBackend;
  observe: ObserveBackend;
  page: PageBackend;
}
