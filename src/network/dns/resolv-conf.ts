/** resolv.conf(5), as far as a resolver between host and container needs it. */

import { isIp } from '../../base/ip.ts';

export interface ResolvConf {
  /** Addresses in their order, canonical or as written with a zone (`fe80::1%eth0`). What is no address is left out. */
  readonly nameservers: readonly string[];
  /** Of the last `search` or `domain` line. */
  readonly search: readonly string[];
  /** Of all `options` lines: `ndots:2`, `edns0`. */
  readonly options: readonly string[];
}

export function parseResolvConf(text: string): ResolvConf {
  const nameservers: string[] = [];
  const options: string[] = [];
  let search: string[] = [];
  for (const line of text.split('\n')) {
    // resolv.conf(5): a comment has its mark in the first column; glibc and musl agree that one behind values is tolerated.
    const [keyword, ...values] = line
      .replace(/[#;].*$/, '')
      .split(/\s+/)
      .filter(Boolean);
    if (keyword === 'nameserver') {
      const [address = ''] = values;
      if (isIp(address.split('%')[0] ?? '') && !nameservers.includes(address)) nameservers.push(address);
    } else if (keyword === 'search' || keyword === 'domain') search = values.filter((name) => name !== '.');
    else if (keyword === 'options') options.push(...values);
  }
  return { nameservers, search, options };
}

/**
 * How many dots a name must have to be asked as it is before the search list is tried (resolv.conf(5)), by the last option that says so.
 *
 * @param otherwise default 0, which is what is written into the files of containers whose names we resolve; of programs it is 1
 */
export function ndots(options: readonly string[], otherwise = 0): number {
  return options.map(ndotsOf).findLast((value) => value !== undefined) ?? otherwise;
}

function ndotsOf(option: string): number | undefined {
  const value = /^ndots:(\d+)$/.exec(option)?.[1];
  return value === undefined ? undefined : Number(value);
}
