/** Shapes of the Docker Engine API for the daemon itself; see `container.ts` for the conventions. */

export interface EventActor {
  ID: string;
  Attributes: Record<string, string>;
}

/** One line of `GET /events`. */
export interface EventMessage {
  status?: string;
  id?: string;
  from?: string;
  Type: 'container' | 'image' | 'volume' | 'network' | 'daemon' | 'plugin' | 'builder';
  Action: string;
  Actor: EventActor;
  scope: 'local';
  /** seconds since the epoch */
  time: number;
  /** nanoseconds since the epoch; as a number it loses the last digits, so it is written as raw JSON text by the API */
  timeNano: bigint;
}

/** `{"name": ["a", "b"]}`: values of one name are alternatives, names are all required. */
export type Filters = Record<string, string[]>;

export interface ComponentVersion {
  Name: string;
  Version: string;
  Details?: Record<string, string>;
}

export interface VersionInfo {
  Platform: { Name: string };
  Components: ComponentVersion[];
  Version: string;
  ApiVersion: string;
  MinAPIVersion: string;
  GitCommit: string;
  GoVersion: string;
  Os: string;
  Arch: string;
  KernelVersion: string;
  BuildTime: string;
}

/** `GET /info`; the engine fills what it knows. */
export type SystemInfo = Record<string, unknown>;
