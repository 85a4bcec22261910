/** The three networks every daemon has: `bridge`, `host` and `none`. Pure, but for the ids, which are chosen once and stored. */

import { invalid } from '../../base/errors.ts';
import { Ip, type IpFamily } from '../../base/ip.ts';
import { Prefix, parseInterfaceAddress } from '../../base/prefix.ts';
import type { NetworkSpec, SubnetSpec } from '../model/index.ts';

/** The daemon's flags that shape docker0. */
export interface DefaultBridgeSettings {
  /** `--bridge`: an existing bridge; `none`: no default bridge; empty: `docker0`. */
  bridge: string;
  v4: DefaultBridgeAddressing;
  /** `--ipv6`. */
  enableIPv6: boolean;
  v6: DefaultBridgeAddressing;
  icc: boolean;
  ipMasq: boolean;
  /** `--ip`: host address for published ports that name none. */
  ip: string;
  /** bytes */
  mtu: number;
}

/** What the flags say of one address family. */
export interface DefaultBridgeAddressing {
  /** `--bip`, `--bip6`: the bridge's address with its prefix length; empty: chosen. */
  bip: string;
  /** `--fixed-cidr`, `--fixed-cidr-v6`; empty: the whole subnet. */
  fixedCidr: string;
  /** `--default-gateway`, `--default-gateway-v6`; empty: the bridge's own address. */
  defaultGateway: string;
}

/** How the flags and what they set are called. */
const WORDS = {
  4: { bip: '--bip', fixedCidr: '--fixed-cidr', gateway: '--default-gateway', aux: 'DefaultGatewayIPv4' },
  6: {
    bip: '--bip6',
    fixedCidr: '--fixed-cidr-v6',
    gateway: '--default-gateway-v6',
    aux: 'DefaultGatewayIPv6',
  },
} as const;

export const DEFAULT_BRIDGE = 'docker0';

export interface NetworkIdentity {
  id: string;
  createdAt: string;
}

/** The bridge's address in one family. */
export interface BridgeAddressing {
  address: Ip;
  subnet: Prefix;
}

/**
 * The address the default bridge shall have in a family: `--bip`, else one that it has already, else the first of the subnet that `choose`
 * gives. `--fixed-cidr-v6` alone is the subnet itself; with `--fixed-cidr` alone the subnet is chosen. Throws `invalid` naming the flag.
 */
export function chooseAddressing(
  family: IpFamily,
  { bip, fixedCidr }: DefaultBridgeAddressing,
  existing: readonly { address: string; prefixLength: number }[],
  choose: () => Prefix,
): BridgeAddressing {
  if (bip !== '') {
    const { address, prefix } = parseInterfaceAddress(bip);
    if (address.equals(prefix.first)) {
      throw invalid(
        `${WORDS[family].bip} "${bip}": the address is the network itself; give the bridge's own, such as ${prefix.at(1)}/${prefix.length}`,
      );
    }
    return { address, subnet: prefix };
  }
  const fixed = family === 6 && fixedCidr !== '' ? Prefix.parse(fixedCidr) : undefined;
  const found = existing
    .map(({ address, prefixLength }) => parseInterfaceAddress(`${address}/${prefixLength}`))
    .find(({ prefix }) => fixed === undefined || prefix.contains(fixed));
  if (found !== undefined) return { address: found.address, subnet: found.prefix };
  const subnet = fixed ?? choose();
  return { address: subnet.at(1), subnet };
}

/** `v6` is there exactly when `--ipv6` is. */
export function defaultBridgeSpec(
  identity: NetworkIdentity,
  name: string,
  settings: DefaultBridgeSettings,
  addressing: { v4: BridgeAddressing; v6?: BridgeAddressing },
): NetworkSpec {
  const { v4, v6 } = addressing;
  return {
    id: identity.id,
    name: 'bridge',
    driver: 'bridge',
    createdAt: identity.createdAt,
    internal: false,
    attachable: false,
    enableIPv4: true,
    enableIPv6: v6 !== undefined,
    ipam: {
      driver: 'default',
      options: {},
      subnets: [
        subnetSpec(4, settings.v4, v4),
        ...(v6 === undefined ? [] : [subnetSpec(6, settings.v6, v6)]),
      ],
    },
    bridge: {
      name,
      isDefault: true,
      icc: settings.icc,
      masquerade: settings.ipMasq,
      hostBindingV4: settings.ip,
      mtu: settings.mtu,
      gatewayModeV4: 'nat',
      gatewayModeV6: 'nat',
    },
    options: {
      'com.docker.network.bridge.default_bridge': 'true',
      'com.docker.network.bridge.enable_icc': String(settings.icc),
      'com.docker.network.bridge.enable_ip_masquerade': String(settings.ipMasq),
      'com.docker.network.bridge.host_binding_ipv4': settings.ip === '' ? '0.0.0.0' : settings.ip,
      'com.docker.network.bridge.name': name,
      'com.docker.network.driver.mtu': String(settings.mtu),
    },
    labels: {},
  };
}

function subnetSpec(
  family: IpFamily,
  settings: DefaultBridgeAddressing,
  { address, subnet }: BridgeAddressing,
): SubnetSpec {
  const words = WORDS[family];
  const range = settings.fixedCidr === '' ? undefined : Prefix.parse(settings.fixedCidr);
  if (range !== undefined && !subnet.contains(range)) {
    throw invalid(`${words.fixedCidr} "${settings.fixedCidr}": not within the bridge's subnet ${subnet}`);
  }
  const gateway = settings.defaultGateway === '' ? undefined : Ip.parse(settings.defaultGateway);
  if (gateway !== undefined && !subnet.contains(gateway)) {
    throw invalid(`${words.gateway} "${settings.defaultGateway}": not within the bridge's subnet ${subnet}`);
  }
  const isOther = gateway !== undefined && !gateway.equals(address);
  const isPart = range !== undefined && !(family === 6 && range.equals(subnet));
  return {
    subnet: subnet.toString(),
    gateway: address.toString(),
    ...(isPart ? { ipRange: range.toString() } : {}),
    ...(isOther ? { auxAddresses: { [words.aux]: gateway.toString() } } : {}),
  };
}

/** `host` and `none` have no settings at all. */
export function plainSpec(identity: NetworkIdentity, name: 'host' | 'none'): NetworkSpec {
  return {
    id: identity.id,
    name,
    driver: name === 'none' ? 'null' : 'host',
    createdAt: identity.createdAt,
    internal: false,
    attachable: false,
    enableIPv4: true,
    enableIPv6: false,
    ipam: { driver: 'default', options: {}, subnets: [] },
    options: {},
    labels: {},
  };
}
