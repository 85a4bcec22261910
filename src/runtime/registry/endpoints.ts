/** Where a registry is to be asked, in which order, and how much it is trusted. */

import { lookup } from 'node:dns/promises';
import { BlockList, isIP } from 'node:net';
import { invalid } from '../../base/errors.ts';
import { DEFAULT_DOMAIN } from './reference.ts';

/** Docker Hub's registry is not where its name says. */
const DOCKER_HUB_REGISTRY = 'https://registry-1.docker.io';

/** The registry part of the daemon's configuration. */
export interface RegistryConfig {
  /** `insecure-registries`: `host`, `host:port` or a CIDR. These may speak plain HTTP or show any certificate. */
  insecureRegistries: readonly string[];
  /** `registry-mirrors`: base URLs that are asked before Docker Hub */
  mirrors: readonly string[];
}

/** One place to ask. */
export interface Endpoint {
  /** scheme, host and port, and for a mirror a path: `https://registry-1.docker.io` */
  url: URL;
  /** A mirror gets no credentials, and its failure only means that the next endpoint is asked. */
  mirror: boolean;
  /** any certificate will do, and redirects and token servers may be plain HTTP */
  insecure: boolean;
}

/** Names and CIDRs of registries that need no TLS. Loopback always belongs to them. */
export class InsecureRegistries {
  readonly #hosts = new Set<string>(['localhost']);
  readonly #networks = new BlockList();

  /** @throws `invalid`, quoting the entry */
  constructor(entries: readonly string[]) {
    this.#networks.addSubnet('127.0.0.0', 8, 'ipv4');
    this.#networks.addAddress('::1', 'ipv6');
    for (const entry of entries) this.#add(entry);
  }

  #add(entry: string): void {
    const [address, length] = entry.split('/') as [string, string?];
    const family = isIP(address);
    if (length !== undefined) {
      const bits = /^\d{1,3}$/.test(length) ? Number(length) : Number.NaN;
      if (family === 0 || !(bits <= (family === 4 ? 32 : 128))) {
        throw invalid(
          `insecure registry "${entry}" is not valid: it must be host, host:port or a CIDR, without a scheme`,
        );
      }
      this.#networks.addSubnet(address, bits, family === 4 ? 'ipv4' : 'ipv6');
      return;
    }
    if (
      !URL.canParse(`http://${entry}`) ||
      new URL(`http://${entry}`).pathname !== '/' ||
      /[@?#]/.test(entry)
    ) {
      throw invalid(`insecure registry "${entry}" is not valid: it must be host, host:port or a CIDR`);
    }
    this.#hosts.add(entry.toLowerCase());
  }

  /** `domain` is `host` or `host:port`. A name is looked up, to see whether its addresses are in one of the networks. */
  async has(domain: string): Promise<boolean> {
    const host = hostOf(domain);
    if (this.#hosts.has(domain.toLowerCase()) || this.#hosts.has(host)) return true;
    const family = isIP(host);
    if (family !== 0) return this.#networks.check(host, family === 4 ? 'ipv4' : 'ipv6');
    const addresses = await lookup(host, { all: true }).catch(() => []);
    return addresses.some(({ address, family: of }) =>
      this.#networks.check(address, of === 4 ? 'ipv4' : 'ipv6'),
    );
  }
}

/** `[::1]:5000` → `::1` */
function hostOf(domain: string): string {
  return domain
    .toLowerCase()
    .replace(/:\d+$/, '')
    .replace(/^\[(.*)\]$/, '$1');
}

/**
 * The endpoints of `domain`, in the order to ask them: for Docker Hub its mirrors first; for an insecure registry TLS
 * first, then plain HTTP.
 */
export async function endpointsOf(
  domain: string,
  config: RegistryConfig,
  insecureRegistries: InsecureRegistries,
): Promise<Endpoint[]> {
  if (domain === DEFAULT_DOMAIN) {
    const mirrors = await Promise.all(
      config.mirrors.map(async (text) => {
        const url = mirrorUrl(text);
        const insecure = url.protocol === 'http:' || (await insecureRegistries.has(url.host));
        return { url, mirror: true, insecure };
      }),
    );
    return [...mirrors, { url: new URL(DOCKER_HUB_REGISTRY), mirror: false, insecure: false }];
  }
  if (!(await insecureRegistries.has(domain))) {
    return [{ url: new URL(`https://${domain}`), mirror: false, insecure: false }];
  }
  return ['https', 'http'].map((scheme) => ({
    url: new URL(`${scheme}://${domain}`),
    mirror: false,
    insecure: true,
  }));
}

/** @throws `invalid` for a mirror that is no plain base URL */
export function mirrorUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !['http:', 'https:'].includes(url.protocol)) {
    throw invalid(`invalid mirror: "${text}" is not a http or https URL`);
  }
  if (url.search !== '' || url.hash !== '' || url.username !== '' || url.password !== '') {
    throw invalid(`invalid mirror: "${url.origin}": query, fragment and credentials are not supported`);
  }
  return url;
}
