/*
 * The picture of a host's container network, as `GET /bridgeport/map` answers it (an extension of Bridgeport's API: the
 * path has no version) and as `bridgeport map --json` prints it. Optional members are left out when they are not known.
 */

import type { Traffic } from './traffic.ts';

/** Everything that is drawn. */
export interface NetworkMap {
  /** The host whose network namespace this is. */
  host: MapHost;
  /** Every network, the default bridge first. */
  networks: MapNetwork[];
  /** Every endpoint of every container, running or not, in the order of their names. */
  endpoints: MapEndpoint[];
  /** Counters of the host's links at the same moment, for whoever asks for them (`?traffic=1`). */
  traffic?: Traffic;
}

/** The host, as the daemon's network namespace shows it. */
export interface MapHost {
  /** The host's name. */
  name?: string;
  /** Interfaces that lead out of the host; bridges of networks, veths and `lo` are not among them. */
  interfaces: MapInterface[];
  /** Why nothing of the host itself is told, where the picture is of what an engine's API tells alone. */
  note?: string;
  /** The kernel forwards packets between interfaces (`net.ipv4.ip_forward`). */
  ipForward?: boolean;
  /** Compiler of the firewall rules: `iptables`, `nftables` or `none`. */
  firewall?: string;
}

/** A network interface of the host. */
export interface MapInterface {
  name: string;
  /** The kernel's number for it. */
  index?: number;
  /** Lower-case, with colons; left out for interfaces that have none. */
  mac?: string;
  /** Bytes. */
  mtu?: number;
  up?: boolean;
  /** CIDR notation: `192.0.2.7/24`, `2001:db8::7/64`. */
  addresses: string[];
  /** The interface that the default route uses, with the router it goes to. */
  defaultRoute?: { gateway?: string };
}

/** A network containers are connected to. */
export interface MapNetwork {
  /** 64 hexadecimal digits. */
  id: string;
  name: string;
  /** `bridge`, `macvlan`, `ipvlan`, `host`, `null` or a plugin's name. */
  driver: string;
  /** No way out of the host. */
  internal?: boolean;
  /** The bridge, for the driver of that name. */
  bridge?: MapInterface;
  /** Name of the host's interface that containers share, for the drivers macvlan and ipvlan: `eth0`. */
  parent?: string;
  /** Address pools, CIDR. */
  subnets: Array<{ subnet: string; gateway?: string }>;
  /** Containers of this network may talk to each other (`com.docker.network.bridge.enable_icc`). */
  icc?: boolean;
  /** Packets to the outside take the host's address (`…enable_ip_masquerade`). */
  masquerade?: boolean;
  /** Driver options by their full names. */
  options: Record<string, string>;
}

/** One connection of a container to a network. */
export interface MapEndpoint {
  /** `MapNetwork.id`. */
  networkId: string;
  container: MapContainer;
  /** The end of the veth pair on the bridge; left out when the container has none (stopped, host network). */
  hostVeth?: { name: string; index?: number };
  /** The end inside the container. */
  inside?: { name: string; index?: number };
  /** Lower-case, with colons. */
  mac?: string;
  /** CIDR notation. */
  addresses: string[];
  /** Names by which members of this network reach it: those that the embedded resolver answers. None on the default bridge. */
  names?: string[];
  /** Published ports, in ascending order of container ports. */
  ports: MapPort[];
  /** Ports that the image or `--expose` names and that are not published: `80/tcp`. */
  exposed?: string[];
  /** Legacy links of this container: to which, under which name. */
  links: MapLink[];
  /** Further containers in the same network namespace (`--network container:NAME`); told with its first endpoint. */
  sharedBy?: MapContainer[];
}

/** A container at the end of a network's wire. */
export interface MapContainer {
  /** 64 hexadecimal digits. */
  id: string;
  /** Without the slash. */
  name: string;
  image?: string;
  /** `running`, `exited`, `created`, `paused`, `restarting`, `dead`, `removing`. */
  state: string;
  /** Process id on the host; left out when it does not run. */
  pid?: number;
}

/** A published port, or a run of ports with the same distance between inside and outside. */
export interface MapPort {
  /** `0.0.0.0` and `::` mean every address of the host. */
  hostIp: string;
  /** 0 in gateway mode `routed`, where no port of the host is used. */
  hostPort: number;
  /** Last port of a run; left out for a single port. */
  hostPortEnd?: number;
  /** First container port of the run. */
  containerPort: number;
  /** `tcp`, `udp` or `sctp`. */
  proto: string;
  /**
   * Who carries the packets: the kernel's translation, the userland proxy, or the kernel with the proxy for what the
   * kernel cannot (connections from the host itself). Left out when it is not known.
   */
  servedBy?: 'kernel' | 'proxy' | 'both';
}

/** A legacy link (`--link web:alias`). */
export interface MapLink {
  /** Name of the container that is reached. */
  to: string;
  /** The name it is reached by. */
  alias: string;
}
