/** The three networks every daemon has: `bridge`, `host` and `none`. Pure, but for the ids, which are chosen once and stored. */

import { invalid } from '../../base/errors.ts';
import { Ip } from '../../base/ip.ts';
import { Prefix, parseInterfaceAddress } from '../../base/prefix.ts';
import type { NetworkSpec } from '../model/index.ts';

/** The daemon's flags that shape docker0. */
export interface DefaultBridgeSettings {
  /** `--bridge`: an existing bridge; `none`: no default bridge; empty: `docker0`. */
  bridge: string;
  /** `--bip`: the bridge's address with its prefix length; empty: chosen. */
  bip: string;
  /** `--fixed-cidr`; empty: the whole subnet. */
  fixedCidr: string;
  /** `--default-gateway`; empty: the bridge's own address. */
  defaultGateway: string;
  icc: boolean;
  ipMasq: boolean;
  /** `--ip`: host address for published ports that name none. */
  ip: string;
  /** bytes */
  mtu: number;
}

export const DEFAULT_BRIDGE = 'docker0';

export interface NetworkIdentity {
  id: string;
  createdAt: string;
}

/** The bridge's address and how addresses are given out on it. */
export interface BridgeAddressing {
  address: Ip;
  subnet: Prefix;
}

/**
 * The address the default bridge shall have: `--bip`, else the first it has already, else the first of the subnet that `choose` gives.
 * Throws `invalid` naming the flag.
 */
export function chooseAddressing(
  settings: DefaultBridgeSettings,
  existing: readonly { address: string; prefixLength: number }[],
  choose: () => Prefix,
): BridgeAddressing {
  if (settings.bip !== '') {
    const { address, prefix } = parseInterfaceAddress(settings.bip);
    if (address.equals(prefix.first)) {
      throw invalid(
        `--bip "${settings.bip}": the address is the network itself; give the bridge's own, such as ${prefix.at(1)}/${prefix.length}`,
      );
    }
    return { address, subnet: prefix };
  }
  const first = existing[0];
  if (first !== undefined) {
    const { address, prefix } = parseInterfaceAddress(`${first.address}/${first.prefixLength}`);
    return { address, subnet: prefix };
  }
  const subnet = choose();
  return { address: subnet.at(1), subnet };
}

export function defaultBridgeSpec(
  identity: NetworkIdentity,
  name: string,
  settings: DefaultBridgeSettings,
  addressing: BridgeAddressing,
): NetworkSpec {
  const { address, subnet } = addressing;
  const range = settings.fixedCidr === '' ? undefined : Prefix.parse(settings.fixedCidr);
  if (range !== undefined && !subnet.contains(range)) {
    throw invalid(`--fixed-cidr "${settings.fixedCidr}": not within the bridge's subnet ${subnet}`);
  }
  const gateway = settings.defaultGateway === '' ? undefined : Ip.parse(settings.defaultGateway);
  if (gateway !== undefined && !subnet.contains(gateway)) {
    throw invalid(`--default-gateway "${settings.defaultGateway}": not within the bridge's subnet ${subnet}`);
  }
  const ownGateway = gateway !== undefined && !gateway.equals(address);
  return {
    id: identity.id,
    name: 'bridge',
    driver: 'bridge',
    createdAt: identity.createdAt,
    internal: false,
    attachable: false,
    enableIPv4: true,
    enableIPv6: false,
    ipam: {
      driver: 'default',
      options: {},
      subnets: [
        {
          subnet: subnet.toString(),
          gateway: address.toString(),
          ...(range === undefined ? {} : { ipRange: range.toString() }),
          ...(ownGateway ? { auxAddresses: { DefaultGatewayIPv4: gateway.toString() } } : {}),
        },
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
