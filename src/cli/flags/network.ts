import { isUserDefined } from '../../base/network-mode.ts';
import { csvFields, cut } from './csv.ts';

/** One `--network` value. */
export interface NetworkAttachment {
  target: string;
  aliases: string[];
  links: string[];
  linkLocalIps: string[];
  driverOpts: Record<string, string>;
  ipv4?: string;
  ipv6?: string;
  mac?: string;
  gwPriority?: number;
}

/** An endpoint as the API's `NetworkingConfig.EndpointsConfig` holds it. */
export interface EndpointSettings {
  Aliases?: string[];
  Links?: string[];
  DriverOpts?: Record<string, string>;
  IPAMConfig?: { IPv4Address?: string; IPv6Address?: string; LinkLocalIPs?: string[] };
  MacAddress?: string;
  GwPriority?: number;
}

/** Flags of `run` that speak about the first network. */
export interface NetworkFlags {
  aliases: readonly string[];
  links: readonly string[];
  ip: string;
  ip6: string;
  mac: string;
  linkLocalIps: readonly string[];
}

const empty = (target: string): NetworkAttachment => ({
  target,
  aliases: [],
  links: [],
  linkLocalIps: [],
  driverOpts: {},
});

/**
 * One `--network` value: a name, or `name=mynet,alias=web,ip=10.0.0.9,mac-address=…,driver-opt=key=value`.
 *
 * Throws an `Error` in the words of the `docker` command line.
 */
export function parseNetwork(value: string): NetworkAttachment {
  if (!/\w+=\w+(,\w+=\w+)*/.test(value)) return empty(value);
  const result = empty('');
  for (const field of csvFields(value)) {
    const [rawKey, rawText] = cut(field.toLowerCase());
    if (rawText === undefined || rawKey === '') throw new Error(`invalid field ${field}`);
    const text = rawText.trim();
    switch (rawKey.trim()) {
      case 'name':
        result.target = text;
        break;
      case 'alias':
        result.aliases.push(text);
        break;
      case 'ip':
        result.ipv4 = text;
        break;
      case 'ip6':
        result.ipv6 = text;
        break;
      case 'mac-address':
        result.mac = text;
        break;
      case 'link-local-ip':
        result.linkLocalIps.push(text);
        break;
      case 'driver-opt': {
        const [key, setting] = cut(text);
        if (setting === undefined || key === '') {
          throw new Error('invalid key value pair format in driver options');
        }
        result.driverOpts[key.trim()] = setting.trim();
        break;
      }
      case 'gw-priority':
        if (!/^[+-]?\d+$/.test(text)) throw new Error(`invalid gw-priority (${text}): invalid syntax`);
        result.gwPriority = Number(text);
        break;
      default:
        throw new Error(`invalid field key ${rawKey.trim()}`);
    }
  }
  if (result.target === '') throw new Error('network name/id is not specified');
  return result;
}

/** A MAC address of 6, 8 or 20 bytes in the spellings Go's `net.ParseMAC` knows. */
export function isMacAddress(text: string): boolean {
  return /^[0-9a-f]{2}(?:([:-])[0-9a-f]{2}(?:\1[0-9a-f]{2}){4}(?:(?:\1[0-9a-f]{2}){2}|(?:\1[0-9a-f]{2}){14})?|(?:[0-9a-f]{2}\.[0-9a-f]{4}\.[0-9a-f]{4}))$/i.test(
    text.trim(),
  );
}

/**
 * `EndpointsConfig` from the `--network` values and the flags that speak about the first of them. A single network
 * without any option is left out: the daemon knows it from `NetworkMode`.
 *
 * Throws an `Error` for options that contradict each other.
 */
export function endpointsConfig(
  networks: readonly NetworkAttachment[],
  flags: NetworkFlags,
): Record<string, EndpointSettings> {
  const result: Record<string, EndpointSettings> = {};
  const attachments = networks.length === 0 ? [empty('default')] : networks;
  for (const [index, given] of attachments.entries()) {
    const attachment = index === 0 ? withFlags(given, flags) : given;
    if (Object.hasOwn(result, attachment.target)) {
      throw new Error(`network ${JSON.stringify(attachment.target)} is specified multiple times`);
    }
    const endpoint = toEndpoint(attachment);
    if (attachments.length === 1 && networks.length === 1 && Object.keys(endpoint).length === 0) continue;
    result[attachment.target] = endpoint;
  }
  const kinds = new Set(networks.map((network) => isUserDefined(network.target)));
  if (kinds.size === 2) {
    throw new Error(
      'conflicting options: cannot attach both user-defined and non-user-defined network-modes',
    );
  }
  return result;
}

function withFlags(given: NetworkAttachment, flags: NetworkFlags): NetworkAttachment {
  const both = (own: unknown, other: unknown, message: string) => {
    const has = (value: unknown) => (Array.isArray(value) ? value.length > 0 : Boolean(value));
    if (has(own) && has(other)) throw new Error(`conflicting options: cannot specify both ${message}`);
  };
  both(given.aliases, flags.aliases, '--network-alias and per-network alias');
  both(given.links, flags.links, '--link and per-network links');
  both(given.ipv4, flags.ip, '--ip and per-network IPv4 address');
  both(given.ipv6, flags.ip6, '--ip6 and per-network IPv6 address');
  both(given.mac, flags.mac, '--mac-address and per-network MAC address');
  both(given.linkLocalIps, flags.linkLocalIps, '--link-local-ip and per-network link-local IP addresses');
  const result: NetworkAttachment = { ...given };
  if (flags.aliases.length > 0) result.aliases = [...flags.aliases];
  // On the default bridge `--link` is a property of the host configuration; elsewhere it makes an alias.
  if (isUserDefined(given.target) && flags.links.length > 0) result.links = [...flags.links];
  if (flags.ip) result.ipv4 = flags.ip;
  if (flags.ip6) result.ipv6 = flags.ip6;
  if (flags.mac) result.mac = flags.mac;
  if (flags.linkLocalIps.length > 0) result.linkLocalIps = [...flags.linkLocalIps];
  return result;
}

function toEndpoint(attachment: NetworkAttachment): EndpointSettings {
  const { target, aliases, links, linkLocalIps, driverOpts, ipv4, ipv6, mac, gwPriority } = attachment;
  if (target.trim() === '') throw new Error('no name set for network');
  if (!isUserDefined(target)) {
    if (aliases.length > 0) {
      throw new Error('network-scoped aliases are only supported for user-defined networks');
    }
    if (links.length > 0) throw new Error('links are only supported for user-defined networks');
  }
  if (mac !== undefined && !isMacAddress(mac)) throw new Error(`${mac} is not a valid mac address`);
  const endpoint: EndpointSettings = {};
  if (aliases.length > 0) endpoint.Aliases = aliases;
  if (links.length > 0) endpoint.Links = links;
  if (Object.keys(driverOpts).length > 0) endpoint.DriverOpts = driverOpts;
  if (mac !== undefined) endpoint.MacAddress = mac;
  if (gwPriority !== undefined) endpoint.GwPriority = gwPriority;
  if (ipv4 || ipv6 || linkLocalIps.length > 0) {
    endpoint.IPAMConfig = {
      ...(ipv4 ? { IPv4Address: ipv4 } : {}),
      ...(ipv6 ? { IPv6Address: ipv6 } : {}),
      ...(linkLocalIps.length > 0 ? { LinkLocalIPs: linkLocalIps } : {}),
    };
  }
  return endpoint;
}
