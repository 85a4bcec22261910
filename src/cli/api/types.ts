/*
 * The answers of the Docker Engine API, as far as the command line reads them. What daemons of other versions leave
 * out is optional here.
 */

import type { ListedPort } from '../format/ports.ts';

/** `GET /containers/json` */
export interface ContainerSummary {
  Id: string;
  Names: string[] | null;
  Image: string;
  ImageID: string;
  Command: string;
  /** Seconds since 1970. */
  Created: number;
  Ports: ListedPort[] | null;
  Labels: Record<string, string> | null;
  State: string;
  Status: string;
  SizeRw?: number;
  SizeRootFs?: number;
  NetworkSettings?: { Networks?: Record<string, unknown> | null } | null;
  Mounts?: Array<{ Type: string; Name?: string; Source: string; Destination: string; Driver?: string }>;
}

/** `GET /containers/{id}/json` */
export interface ContainerInspect {
  Id: string;
  Name: string;
  Created: string;
  State: {
    Status: string;
    Running: boolean;
    Paused: boolean;
    Restarting: boolean;
    Pid: number;
    ExitCode: number;
  };
  Config: {
    Tty: boolean;
    OpenStdin: boolean;
    AttachStdin: boolean;
    Image: string;
    Hostname: string;
    Labels?: Record<string, string> | null;
  };
  HostConfig: { AutoRemove: boolean; NetworkMode: string; Links?: string[] | null };
  NetworkSettings: {
    SandboxKey?: string;
    Ports?: Record<string, Array<{ HostIp: string; HostPort: string }> | null> | null;
    Networks?: Record<string, EndpointInspect> | null;
  };
}

/** An endpoint inside a container's inspect. */
export interface EndpointInspect {
  NetworkID: string;
  EndpointID: string;
  Gateway: string;
  IPAddress: string;
  IPPrefixLen: number;
  GlobalIPv6Address?: string;
  GlobalIPv6PrefixLen?: number;
  MacAddress: string;
  Aliases?: string[] | null;
  Links?: string[] | null;
}

/** `GET /images/json` */
export interface ImageSummary {
  Id: string;
  ParentId?: string;
  RepoTags: string[] | null;
  RepoDigests: string[] | null;
  /** Seconds since 1970. */
  Created: number;
  Size: number;
  SharedSize?: number;
  Labels?: Record<string, string> | null;
  Containers?: number;
}

/** `GET /networks`, `GET /networks/{id}` */
export interface NetworkInspect {
  Id: string;
  Name: string;
  Created: string;
  Scope: string;
  Driver: string;
  EnableIPv6?: boolean;
  EnableIPv4?: boolean;
  Internal: boolean;
  Labels?: Record<string, string> | null;
  Options?: Record<string, string> | null;
  IPAM: { Driver: string; Config: Array<{ Subnet?: string; Gateway?: string; IPRange?: string }> | null };
  Containers?: Record<
    string,
    { Name: string; EndpointID: string; MacAddress: string; IPv4Address: string; IPv6Address: string }
  > | null;
}

/** `GET /version` */
export interface VersionInfo {
  Platform?: { Name: string };
  Components?: Array<{ Name: string; Version: string; Details?: Record<string, string> | null }> | null;
  Version: string;
  ApiVersion: string;
  MinAPIVersion?: string;
  GitCommit?: string;
  GoVersion?: string;
  Os: string;
  Arch: string;
  BuildTime?: string;
  Experimental?: boolean | string;
}
