/** Networks and endpoints as the Docker Engine API shows them. Pure. */

import type { EndpointSettings, NetworkInspect, NetworkInterfaceStats } from '../../base/wire/index.ts';
import type { LinkStats } from '../../kernel/netlink/index.ts';
import type { EndpointSpec, NetworkSpec } from '../model/index.ts';

export function networkView(
  spec: NetworkSpec,
  endpoints: ReadonlyArray<{ endpoint: EndpointSpec; containerName: string }>,
): NetworkInspect {
  return {
    Name: spec.name,
    Id: spec.id,
    Created: spec.createdAt,
    Scope: 'local',
    Driver: spec.driver,
    EnableIPv4: spec.enableIPv4,
    EnableIPv6: spec.enableIPv6,
    IPAM: {
      Driver: spec.ipam.driver,
      Options: Object.keys(spec.ipam.options).length === 0 ? null : { ...spec.ipam.options },
      Config: spec.ipam.subnets.map((subnet) => ({
        Subnet: subnet.subnet,
        ...(subnet.ipRange === undefined ? {} : { IPRange: subnet.ipRange }),
        ...(subnet.gateway === undefined ? {} : { Gateway: subnet.gateway }),
        ...(subnet.auxAddresses === undefined ? {} : { AuxiliaryAddresses: { ...subnet.auxAddresses } }),
      })),
    },
    Internal: spec.internal,
    Attachable: spec.attachable,
    Ingress: false,
    ConfigFrom: { Network: '' },
    ConfigOnly: false,
    Containers: Object.fromEntries(
      endpoints.map(({ endpoint, containerName }) => [
        endpoint.containerId,
        {
          Name: containerName,
          EndpointID: endpoint.id,
          MacAddress: endpoint.mac ?? '',
          IPv4Address: endpoint.v4 === undefined ? '' : `${endpoint.v4.address}/${endpoint.v4.prefixLength}`,
          IPv6Address: endpoint.v6 === undefined ? '' : `${endpoint.v6.address}/${endpoint.v6.prefixLength}`,
          ...hostVethOf(endpoint),
        },
      ]),
    ),
    Options: { ...spec.options },
    Labels: { ...spec.labels },
  };
}

/** What the user asked for, with what was assigned; `endpoint` is undefined for `host` and `none`. */
export function endpointView(
  networkId: string,
  asked: EndpointSettings,
  endpoint: EndpointSpec | undefined,
): EndpointSettings {
  return {
    IPAMConfig: asked.IPAMConfig ?? null,
    Links: asked.Links ?? null,
    Aliases: asked.Aliases ?? null,
    MacAddress: endpoint?.mac ?? '',
    DriverOpts: asked.DriverOpts ?? null,
    GwPriority: asked.GwPriority ?? 0,
    NetworkID: networkId,
    EndpointID: endpoint?.id ?? '',
    Gateway: endpoint?.v4?.gateway ?? '',
    IPAddress: endpoint?.v4?.address ?? '',
    IPPrefixLen: endpoint?.v4?.prefixLength ?? 0,
    IPv6Gateway: endpoint?.v6?.gateway ?? '',
    GlobalIPv6Address: endpoint?.v6?.address ?? '',
    GlobalIPv6PrefixLen: endpoint?.v6?.prefixLength ?? 0,
    DNSNames: null,
    ...hostVethOf(endpoint),
  };
}

/** Ours, which Docker does not have: absent where there is no veth pair, as on a macvlan network. */
function hostVethOf(endpoint: EndpointSpec | undefined): { HostVeth?: string } {
  return endpoint?.hostVeth === undefined ? {} : { HostVeth: endpoint.hostVeth };
}

export function interfaceStats(stats: LinkStats): NetworkInterfaceStats {
  return {
    rx_bytes: Number(stats.rxBytes),
    rx_packets: Number(stats.rxPackets),
    rx_errors: Number(stats.rxErrors),
    rx_dropped: Number(stats.rxDropped),
    tx_bytes: Number(stats.txBytes),
    tx_packets: Number(stats.txPackets),
    tx_errors: Number(stats.txErrors),
    tx_dropped: Number(stats.txDropped),
  };
}
