/** A sandbox is a container's network: its namespace, its endpoints, its published ports. The shapes that cross the border to the engine. */

import type { PortRange } from '../../base/ports.ts';
import type { EndpointSettings, PortMap } from '../../base/wire/index.ts';

export interface SandboxLink {
  /** The container that is linked to. */
  containerId: string;
  alias: string;
}

/** What a container wants of the network. */
export interface SandboxRequest {
  containerId: string;
  /** without a slash */
  containerName: string;
  hostname: string;
  /** The container's own name servers (`--dns`); empty: the daemon's, or the host's. */
  dns: string[];
  /** Its own `--dns-option`; empty: the daemon's, or the host's. */
  dnsOptions: string[];
  /** `bridge`, `host`, `none`, or the name or id of a network. `container:…` makes no sandbox. */
  mode: string;
  /** By the network's name or id as the user gave it. */
  networks: Record<string, EndpointSettings>;
  macAddress: string | undefined;
  /** `--sysctl net.ipv6.conf.all.disable_ipv6=1`: no interface of it has IPv6, whatever its networks have. */
  ipv6Disabled: boolean;
  /** Container ports that can be linked to: `80/tcp`, `8000-8010/tcp`. */
  exposedPorts: string[];
  /** Container port to host sides, normalised (`80/tcp`). */
  portBindings: PortMap;
  publishAllPorts: boolean;
  /** TCP ports of the container whose server expects a PROXY protocol header. */
  proxyProtocol: readonly PortRange[];
  links: SandboxLink[];
}

/** What it got. */
export interface SandboxInfo {
  /** 64 hex digits */
  id: string;
  /** Path of the namespace; the daemon's own for mode `host`. */
  path: string;
  /** Every exposed port, with the host sides that were really bound; none where no port can be published (`host`, `none`, internal networks). */
  ports: PortMap;
  /** By network name. */
  networks: Record<string, EndpointSettings>;
  /** Address of the embedded resolver, for containers that use it. */
  resolver: string | undefined;
}

/** A sandbox whose namespace is there, and nothing in it yet but a loopback interface. */
export interface OpenSandbox {
  /** Complete but for `ports`, which have no host sides yet. */
  info: SandboxInfo;
  /** Makes the rest. To be called once, before anything runs in the namespace. */
  wire(): Promise<SandboxInfo>;
}

/** Published ports as the engine's client asked for them, before host ports are chosen. */
export type { PortMap };
