/** Checks of addresses, prefixes, names and URLs that flags and daemon.json hold as text. */

import { BlockList, isIP, isIPv4, isIPv6 } from 'node:net';
import { invalid } from '../base/errors.ts';

export function checkIp(text: string): string {
  if (isIP(text) === 0 || text.includes('%')) throw invalid(`"${text}" is not an IP address`);
  return text;
}

export function checkIpv4(text: string): string {
  if (!isIPv4(text)) throw invalid(`"${text}" is not an IPv4 address`);
  return text;
}

export function checkIpv6(text: string): string {
  if (!isIPv6(text) || text.includes('%')) throw invalid(`"${text}" is not an IPv6 address`);
  return text;
}

/** An address or a network with its length, `172.17.0.1/16`, as it was written: host bits are kept. */
export interface Cidr {
  address: string;
  /** 0 to 32 for IPv4, 0 to 128 for IPv6. */
  length: number;
  family: 4 | 6;
}

/** Reads CIDR notation (RFC 4632). A text without a length is refused, as Go's net.ParseCIDR does. */
export function parseCidr(text: string): Cidr {
  const match = /^([^/%]+)\/(0|[1-9]\d{0,2})$/.exec(text);
  const address = match?.[1] ?? '';
  const family = isIP(address);
  const length = Number(match?.[2]);
  if ((family !== 4 && family !== 6) || length > (family === 4 ? 32 : 128)) {
    throw invalid(
      `"${text}" is not an address with a prefix length, like ${text.includes(':') ? 'fd00::/80' : '172.17.0.1/16'}`,
    );
  }
  return { address, length, family };
}

export function checkCidr(family: 4 | 6): (text: string) => string {
  return (text) => {
    if (parseCidr(text).family !== family) throw invalid(`"${text}" is not IPv${family}`);
    return text;
  };
}

/** True when `address` (`172.17.0.2`) lies in the network that `cidr` belongs to. */
export function contains(cidr: Cidr, address: string): boolean {
  const type = cidr.family === 4 ? 'ipv4' : 'ipv6';
  if (isIP(address) !== cidr.family) return false;
  const network = new BlockList();
  network.addSubnet(cidr.address, cidr.length, type);
  return network.check(address, type);
}

/** What an IPv4 address is to its network: the network's own first address, its broadcast address, or a host's. */
export function roleIn(cidr: Cidr): 'network' | 'broadcast' | 'host' {
  // A /31 has no such addresses (RFC 3021), a /32 is one host.
  if (cidr.family !== 4 || cidr.length > 30) return 'host';
  const number = cidr.address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  const offset = number % 2 ** (32 - cidr.length);
  if (offset === 0) return 'network';
  return offset === 2 ** (32 - cidr.length) - 1 ? 'broadcast' : 'host';
}

/** A domain of a search list; "." stands for "none" (resolv.conf(5)). */
export function checkDnsSearch(text: string): string {
  const domain = text.trim();
  if (domain === '.') return domain;
  const label = '[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?';
  const bare = domain.replace(/\.$/, '');
  if (!new RegExp(`^${label}(\\.${label})*$`).test(bare) || !/[a-zA-Z]/.test(bare) || bare.length >= 255) {
    throw invalid(`${text} is not a valid domain`);
  }
  return bare;
}

/** A daemon label, `key=value`. Docker keeps three namespaces to itself. */
export function checkLabel(text: string): string {
  if (!text.includes('=')) throw invalid(`bad attribute format: ${text}`);
  if (/^(com\.docker|io\.docker|org\.dockerproject)\./i.test(text)) {
    throw invalid(
      `label ${text} is not allowed: the namespaces com.docker.*, io.docker.*, and org.dockerproject.* are reserved for internal use`,
    );
  }
  return text;
}

/** A registry mirror's URL; its normal form ends in a slash. */
export function checkMirror(text: string): string {
  if (!/^[^:/]+:\/\//.test(text)) {
    throw invalid(
      `invalid mirror: no scheme specified for "${text}": must use either 'https://' or 'http://'`,
    );
  }
  const url = URL.parse(text);
  if (url === null) throw invalid(`invalid mirror: "${text}" is not a valid URI`);
  if (url.username !== '' || url.password !== '') {
    url.password = 'xxxxx';
    throw invalid(`invalid mirror: username/password not allowed in URI "${url.href}"`);
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw invalid(
      `invalid mirror: unsupported scheme "${url.protocol.slice(0, -1)}" in "${text}": must use either 'https://' or 'http://'`,
    );
  }
  if (url.search !== '' || url.hash !== '') {
    throw invalid(`invalid mirror: query or fragment at end of the URI "${text}"`);
  }
  return text.endsWith('/') ? text : `${text}/`;
}

/** A registry reached without TLS: `host`, `host:port`, or a network in CIDR notation. */
export function checkRegistry(text: string): string {
  if (/^https?:\/\//i.test(text)) throw invalid(`insecure registry ${text} should not contain '://'`);
  if (/\/\d+$/.test(text)) {
    parseCidr(text);
    return text;
  }
  const port = /:(\d+)$/.exec(text)?.[1];
  const host = port === undefined ? text : text.slice(0, -port.length - 1);
  const bare = host.replace(/^\[(.*)\]$/, '$1');
  if (
    (isIP(bare) === 0 && !/^[a-zA-Z0-9]([a-zA-Z0-9._-]*[a-zA-Z0-9])?$/.test(host)) ||
    Number(port ?? 0) > 65535
  ) {
    throw invalid(
      `insecure registry ${text} is not valid: want host, host:port or a network like 10.0.0.0/8`,
    );
  }
  return text;
}
