/** `docker network create`: from what the client sends to a `NetworkSpec` without subnets chosen yet. Pure; the words are Docker's. */

import { BridgeportError, invalid, notFound, notImplemented } from '../../base/errors.ts';
import { bridgeName, MAX_IFNAME_LENGTH } from '../../base/ids.ts';
import { isIp } from '../../base/ip.ts';
import { Prefix } from '../../base/prefix.ts';
import type { NetworkCreateBody } from '../../base/wire/index.ts';
import { validateSubnets } from '../ipam/index.ts';
import type { BridgeSpec, GatewayMode, NetworkSpec, SubnetSpec } from '../model/index.ts';
import { GATEWAY_MODES } from '../model/index.ts';

const BRIDGE = 'com.docker.network.bridge';
const OPTION = {
  name: `${BRIDGE}.name`,
  icc: `${BRIDGE}.enable_icc`,
  masquerade: `${BRIDGE}.enable_ip_masquerade`,
  hostBinding: `${BRIDGE}.host_binding_ipv4`,
  modeV4: `${BRIDGE}.gateway_mode_ipv4`,
  modeV6: `${BRIDGE}.gateway_mode_ipv6`,
  inhibitV4: `${BRIDGE}.inhibit_ipv4`,
  trusted: `${BRIDGE}.trusted_host_interfaces`,
  mtu: 'com.docker.network.driver.mtu',
  enableV4: 'com.docker.network.enable_ipv4',
  enableV6: 'com.docker.network.enable_ipv6',
  hostV4: 'com.docker.network.host_ipv4',
  hostV6: 'com.docker.network.host_ipv6',
  ifacePrefix: 'com.docker.network.container_iface_prefix',
} as const;

/** A network's name goes into commands and rules: Docker's own pattern. */
const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;
const PREDEFINED = new Set(['bridge', 'host', 'none', 'default']);
const DEFAULT_MTU = 1500;
/** The smallest MTU that IPv4 (RFC 791) and IPv6 (RFC 8200) work with. */
const LEAST_MTU = { v4: 68, v6: 1280 };

export interface SpecInput {
  body: NetworkCreateBody;
  id: string;
  createdAt: string;
  /** The daemon's `--mtu` and `--ip`. */
  mtu: number;
  hostBinding: string;
}

/** Subnets that the user gave are checked; families without one have none yet. */
export function createSpec(input: SpecInput): NetworkSpec {
  const { body, id } = input;
  const name = body.Name ?? '';
  if (name.trim() === '') throw invalid('invalid name: name is empty');
  if (PREDEFINED.has(name)) {
    throw new BridgeportError('forbidden', `operation is not permitted on predefined ${name} network`);
  }
  if (!NAME.test(name)) throw invalid(`invalid name "${name}": only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`);
  checkKind(body);
  const options = { ...body.Options };
  const enableIPv4 = flag(options, OPTION.enableV4, body.EnableIPv4 ?? true);
  const enableIPv6 = flag(options, OPTION.enableV6, body.EnableIPv6 ?? false);
  if (!enableIPv4 && !enableIPv6) throw invalid('IPv4 or IPv6 must be enabled');
  const subnets = subnetsOf(body);
  validateSubnets(subnets);
  for (const { subnet } of subnets) {
    const { family } = Prefix.parse(subnet);
    if (family === 4 && !enableIPv4) throw invalid(`IPv4 subnet ${subnet} on a network with IPv4 disabled`);
    if (family === 6 && !enableIPv6) throw invalid(`IPv6 subnet ${subnet} on a network with IPv6 disabled`);
  }
  const internal = body.Internal ?? false;
  return {
    id,
    name,
    driver: 'bridge',
    createdAt: input.createdAt,
    internal,
    attachable: body.Attachable ?? false,
    enableIPv4,
    enableIPv6,
    ipam: { driver: body.IPAM?.Driver || 'default', options: { ...body.IPAM?.Options }, subnets },
    bridge: bridgeSpec(input, options, { internal, enableIPv6 }),
    options,
    labels: { ...body.Labels },
  };
}

function checkKind(body: NetworkCreateBody): void {
  const driver = body.Driver || 'bridge';
  if (driver === 'host' || driver === 'null') {
    throw new BridgeportError('forbidden', `only one instance of "${driver}" network is allowed`);
  }
  if (['macvlan', 'ipvlan', 'overlay'].includes(driver)) throw notImplemented(`network driver "${driver}"`);
  if (driver !== 'bridge') throw notFound(`plugin "${driver}" not found`);
  if (body.Scope && body.Scope !== 'local') throw notImplemented(`a network of scope "${body.Scope}"`);
  if (body.Ingress) throw notImplemented('an ingress network');
  if (body.ConfigOnly) throw notImplemented('a config-only network');
  const ipamDriver = body.IPAM?.Driver || 'default';
  if (ipamDriver !== 'default') throw notFound(`plugin "${ipamDriver}" not found`);
}

function subnetsOf(body: NetworkCreateBody): SubnetSpec[] {
  return (body.IPAM?.Config ?? []).flatMap((config) => {
    if (!config.Subnet) {
      if (config.Gateway || config.IPRange)
        throw invalid('every ip-range or gateway must have a corresponding subnet');
      return [];
    }
    const aux = config.AuxiliaryAddresses ?? {};
    return [
      {
        subnet: config.Subnet,
        ...(config.Gateway ? { gateway: config.Gateway } : {}),
        ...(config.IPRange ? { ipRange: config.IPRange } : {}),
        ...(Object.keys(aux).length > 0 ? { auxAddresses: { ...aux } } : {}),
      },
    ];
  });
}

function bridgeSpec(
  input: SpecInput,
  options: Record<string, string>,
  network: { internal: boolean; enableIPv6: boolean },
): BridgeSpec {
  const name = options[OPTION.name] || bridgeName(input.id);
  if (name.length > MAX_IFNAME_LENGTH || /[\s/:]/.test(name)) {
    throw invalid(
      `invalid bridge name "${name}": an interface name has at most ${MAX_IFNAME_LENGTH} characters, no blank, slash or colon`,
    );
  }
  const hostBinding = options[OPTION.hostBinding] ?? input.hostBinding;
  if (hostBinding !== '' && !isIp(hostBinding))
    throw invalid(`invalid default binding address "${hostBinding}"`);
  const hostV4 = address(options, OPTION.hostV4, 4);
  const hostV6 = address(options, OPTION.hostV6, 6);
  const trusted = (options[OPTION.trusted] ?? '').split(':').filter(Boolean);
  const ifacePrefix = options[OPTION.ifacePrefix];
  if (ifacePrefix !== undefined && !/^[a-zA-Z][\w.-]{0,11}$/.test(ifacePrefix)) {
    throw invalid(`invalid interface prefix "${ifacePrefix}"`);
  }
  return {
    name,
    isDefault: false,
    icc: flag(options, OPTION.icc, true),
    masquerade: flag(options, OPTION.masquerade, true),
    hostBindingV4: hostBinding,
    mtu: mtuOf(options[OPTION.mtu], input.mtu || DEFAULT_MTU, network.enableIPv6),
    gatewayModeV4: gatewayMode(options, OPTION.modeV4, network.internal),
    gatewayModeV6: gatewayMode(options, OPTION.modeV6, network.internal),
    ...(hostV4 === undefined ? {} : { hostV4 }),
    ...(hostV6 === undefined ? {} : { hostV6 }),
    ...(trusted.length === 0 ? {} : { trustedHostInterfaces: trusted }),
    ...(flag(options, OPTION.inhibitV4, false) ? { inhibitV4: true } : {}),
    ...(ifacePrefix === undefined ? {} : { containerIfacePrefix: ifacePrefix }),
  };
}

function gatewayMode(options: Record<string, string>, key: string, internal: boolean): GatewayMode {
  const mode = (options[key] || 'nat') as GatewayMode;
  if (!GATEWAY_MODES.includes(mode)) throw invalid(`unknown gateway mode ${mode}`);
  if (mode === 'isolated' && !internal)
    throw invalid("gateway mode 'isolated' can only be used for an internal network");
  return mode;
}

/** Go's strconv.ParseBool. */
function flag(options: Record<string, string>, key: string, otherwise: boolean): boolean {
  const text = options[key];
  if (text === undefined) return otherwise;
  if (/^(1|t|T|TRUE|true|True)$/.test(text)) return true;
  if (/^(0|f|F|FALSE|false|False)$/.test(text)) return false;
  throw invalid(`driver-opt "${key}" is not a valid bool`);
}

function mtuOf(text: string | undefined, otherwise: number, enableIPv6: boolean): number {
  if (text === undefined || text === '') return otherwise;
  const mtu = Number(text);
  const least = enableIPv6 ? LEAST_MTU.v6 : LEAST_MTU.v4;
  if (!Number.isInteger(mtu) || mtu < 0 || mtu > 65_535)
    throw invalid(`failed to parse "${text}": invalid MTU number`);
  if (mtu !== 0 && mtu < least) throw invalid(`invalid MTU number: ${mtu} is less than ${least}`);
  return mtu === 0 ? otherwise : mtu;
}

function address(options: Record<string, string>, key: string, family: 4 | 6): string | undefined {
  const text = options[key];
  if (text === undefined || text === '') return undefined;
  if (!isIp(text, family)) throw invalid(`invalid IPv${family} address "${text}" for ${key}`);
  return text;
}
