/** Checks of addresses, prefixes, names and URLs that flags and daemon.json hold as text. */

import { invalid } from '../base/errors.ts';
import { type IpFamily, isIp } from '../base/ip.ts';
import { parseInterfaceAddress } from '../base/prefix.ts';

/** A check for addresses, of one family when it is given. */
export function checkIp(family?: IpFamily): (text: string) => string {
  return (text) => {
    if (!isIp(text, family))
      throw invalid(`"${text}" is not an IP${family === undefined ? '' : `v${family}`} address`);
    return text;
  };
}

/** A check for CIDR notation (RFC 4632) of one family. Host bits stand as written: --bip means an address. */
export function checkCidr(family: IpFamily): (text: string) => string {
  return (text) => {
    if (parseInterfaceAddress(text).address.family !== family) throw invalid(`"${text}" is not IPv${family}`);
    return text;
  };
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
    parseInterfaceAddress(text);
    return text;
  }
  const port = /:(\d+)$/.exec(text)?.[1];
  const host = port === undefined ? text : text.slice(0, -port.length - 1);
  const bare = host.replace(/^\[(.*)\]$/, '$1');
  if (
    (!isIp(bare) && !/^[a-zA-Z0-9]([a-zA-Z0-9._-]*[a-zA-Z0-9])?$/.test(host)) ||
    Number(port ?? 0) > 65535
  ) {
    throw invalid(
      `insecure registry ${text} is not valid: want host, host:port or a network like 10.0.0.0/8`,
    );
  }
  return text;
}
