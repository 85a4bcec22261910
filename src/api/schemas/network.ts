/** Request bodies of `/networks`, and the endpoint settings that containers share with them. */

import type {
  EndpointSettings,
  Ipam,
  IpamPoolConfig,
  NetworkConnectBody,
  NetworkCreateBody,
  NetworkDisconnectBody,
} from '../../base/wire/index.ts';
import { array, bool, type Decoder, filled, int64, map, nullable, string, struct } from '../decode.ts';

type EndpointIpam = NonNullable<EndpointSettings['IPAMConfig']>;

const endpointIpam = struct<EndpointIpam>('EndpointIPAMConfig', {
  IPv4Address: string,
  IPv6Address: string,
  LinkLocalIPs: array(string),
});

export const endpointSettings = struct<EndpointSettings>('EndpointSettings', {
  IPAMConfig: nullable(endpointIpam),
  Links: nullable(array(string)),
  Aliases: nullable(array(string)),
  MacAddress: string,
  DriverOpts: nullable(map(string)),
  GwPriority: int64,
  NetworkID: string,
  EndpointID: string,
  Gateway: string,
  IPAddress: string,
  IPPrefixLen: int64,
  IPv6Gateway: string,
  GlobalIPv6Address: string,
  GlobalIPv6PrefixLen: int64,
  DNSNames: nullable(array(string)),
  HostVeth: string,
});

const ipamPool = struct<IpamPoolConfig>('IPAMConfig', {
  Subnet: string,
  IPRange: string,
  Gateway: string,
  // the clients' Go type calls it AuxAddress but writes this name
  AuxiliaryAddresses: map(string),
});

const ipam: Decoder<Partial<Ipam>> = struct<Partial<Ipam>>('IPAM', {
  Driver: string,
  Options: nullable(map(string)),
  Config: array(ipamPool),
});

const configReference = struct<NonNullable<NetworkCreateBody['ConfigFrom']>>('ConfigReference', {
  Network: string,
});

export const networkCreateBody = struct<NetworkCreateBody>('NetworkCreateRequest', {
  Name: filled(string),
  CheckDuplicate: bool,
  Driver: string,
  Scope: string,
  Internal: bool,
  Attachable: bool,
  Ingress: bool,
  ConfigOnly: bool,
  ConfigFrom: nullable(configReference),
  IPAM: nullable(ipam),
  EnableIPv4: bool,
  EnableIPv6: bool,
  Options: nullable(map(string)),
  Labels: nullable(map(string)),
});

export const networkConnectBody = struct<NetworkConnectBody>('NetworkConnectRequest', {
  Container: filled(string),
  EndpointConfig: nullable(endpointSettings),
});

export const networkDisconnectBody = struct<NetworkDisconnectBody>('NetworkDisconnectRequest', {
  Container: filled(string),
  Force: bool,
});
