import { isIP } from 'node:net';
import { cut } from './csv.ts';

/** One `--add-host` value: `name:ip`, `name=ip`, `name:[::1]`, `name:host-gateway`; always returned as `name:ip`. */
export function extraHost(value: string): string {
  const [name, address] = value.includes('=') ? cut(value) : cut(value, ':');
  if (address === undefined || name === '' || name.includes(':')) {
    throw new Error(`bad format for add-host: ${JSON.stringify(value)}`);
  }
  if (address === 'host-gateway') return `${name}:${address}`;
  const bare = /^\[(.+)\]$/.exec(address)?.[1] ?? address;
  if (isIP(bare.trim()) === 0) throw new Error(`invalid IP address in add-host: ${JSON.stringify(bare)}`);
  return `${name}:${bare}`;
}

/** One `--dns` value: an address of either family. */
export function ipAddress(value: string): string {
  const address = value.trim();
  if (isIP(address) === 0) throw new Error(`IP address is not correctly formatted: ${value}`);
  return address;
}

/** One `--dns-search` value: a domain, or `.` for none. */
export function dnsSearch(value: string): string {
  const domain = value.replace(/^ +| +$/g, '');
  if (domain === '.') return domain;
  const label = '[a-z0-9](?:[a-z0-9-]*[a-z0-9])?';
  const match = new RegExp(`^(:?${label}(?:\\.${label})*)\\.?$`, 'i').exec(domain);
  if (!/[a-z]/i.test(domain) || match === null || match[1]!.length >= 255) {
    throw new Error(`${domain} is not a valid domain`);
  }
  return match[1]!;
}

/** One `--link` value: `name` or `name:alias`. */
export function linkValue(value: string): string {
  if (value === '') throw new Error('empty string specified for links');
  if (value.split(':').length > 2) throw new Error(`bad format for links: ${value}`);
  return value;
}

/** One `-a` value: `stdin`, `stdout` or `stderr`, in any case. */
export function streamName(value: string): string {
  const name = value.toLowerCase();
  if (!['stdin', 'stdout', 'stderr'].includes(name)) {
    throw new Error('valid streams are STDIN, STDOUT and STDERR');
  }
  return name;
}
