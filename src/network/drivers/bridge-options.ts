/** The options of a bridge network. Pure; the words are Docker's. */

import { invalid } from '../../base/errors.ts';
import { bridgeName, MAX_IFNAME_LENGTH } from '../../base/ids.ts';
import { isIp } from '../../base/ip.ts';
import { type BridgeSpec, GATEWAY_MODES, type GatewayMode } from '../model/index.ts';
import type { WantedNetwork } from './driver.ts';
import { flagOption, mtuOption, type Options } from './options.ts';

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
  hostV4: 'com.docker.network.host_ipv4',
  hostV6: 'com.docker.network.host_ipv6',
  ifacePrefix: 'com.docker.network.container_iface_prefix',
} as const;

export function bridgeOptions(wanted: WantedNetwork): BridgeSpec {
  const { options, internal } = wanted;
  const name = options[OPTION.name] || bridgeName(wanted.id);
  if (name.length > MAX_IFNAME_LENGTH || /[\s/:]/.test(name)) {
    throw invalid(
      `invalid bridge name "${name}": an interface name has at most ${MAX_IFNAME_LENGTH} characters, no blank, slash or colon`,
    );
  }
  const hostBinding = options[OPTION.hostBinding] ?? wanted.hostBinding;
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
    icc: flagOption(options, OPTION.icc, true),
    masquerade: flagOption(options, OPTION.masquerade, true),
    hostBindingV4: hostBinding,
    mtu: mtuOption(options, wanted.mtu, wanted.enableIPv6),
    gatewayModeV4: gatewayMode(options, OPTION.modeV4, internal),
    gatewayModeV6: gatewayMode(options, OPTION.modeV6, internal),
    ...(hostV4 === undefined ? {} : { hostV4 }),
    ...(hostV6 === undefined ? {} : { hostV6 }),
    ...(trusted.length === 0 ? {} : { trustedHostInterfaces: trusted }),
    ...(flagOption(options, OPTION.inhibitV4, false) ? { inhibitV4: true } : {}),
    ...(ifacePrefix === undefined ? {} : { containerIfacePrefix: ifacePrefix }),
  };
}

function gatewayMode(options: Options, key: string, internal: boolean): GatewayMode {
  const mode = (options[key] || 'nat') as GatewayMode;
  if (!GATEWAY_MODES.includes(mode)) throw invalid(`unknown gateway mode ${mode}`);
  if (mode === 'isolated' && !internal)
    throw invalid("gateway mode 'isolated' can only be used for an internal network");
  return mode;
}

function address(options: Options, key: string, family: 4 | 6): string | undefined {
  const text = options[key];
  if (text === undefined || text === '') return undefined;
  if (!isIp(text, family)) throw invalid(`invalid IPv${family} address "${text}" for ${key}`);
  return text;
}
