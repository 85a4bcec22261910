/** The resolver that a Docker Engine embeds, as far as a container's own files tell. */

import { readFileSync } from 'node:fs';
import { Ip } from '../../base/ip.ts';
import { ndots, parseResolvConf, RESOLVER_ADDRESS } from '../../network/dns/index.ts';
import type { EmbeddedResolver, NameServer, ResolveName } from '../../observe/explain/names.ts';
import { networkOwner } from '../../observe/explain/why/parties.ts';
import { createResolveName } from '../resolve-name.ts';
import type { DockerRecords } from './records.ts';

/** Where systemd-resolved writes the servers that it asks itself. */
const BEHIND_RESOLVED = '/run/systemd/resolve/resolv.conf';
const RESOLVED = '127.0.0.53';

export function resolveForDocker(records: DockerRecords): ResolveName {
  return createResolveName((container, resolvConf) => {
    const given = records.nameServersOf(networkOwner(container, records).id);
    return embeddedResolver(resolvConf, () => (given.length > 0 ? given : hostServers()));
  });
}

/**
 * @param resolvConf the container's
 * @param otherwise whom it asks, where that file does not tell
 */
export function embeddedResolver(
  resolvConf: string,
  otherwise: () => readonly string[],
): EmbeddedResolver | undefined {
  const { nameservers, options } = parseResolvConf(resolvConf);
  if (!nameservers.includes(RESOLVER_ADDRESS)) return undefined;
  return {
    address: RESOLVER_ADDRESS,
    upstreams: upstreamsIn(resolvConf) ?? otherwise().map(upstream),
    asksSingleLabels: ndots(options) === 0,
  };
}

/** Docker since version 25 writes whom it asks behind the lines that count: `# ExtServers: [host(127.0.0.53) 10.0.0.7]`. */
function upstreamsIn(resolvConf: string): NameServer[] | undefined {
  const listed = /^# ExtServers: \[(.*)\]$/m.exec(resolvConf)?.[1];
  return listed
    ?.split(/[,\s]+/)
    .filter(Boolean)
    .map((text) => {
      const onHost = /^host\((.+)\)$/.exec(text)?.[1];
      return { address: onHost ?? text, from: onHost === undefined ? 'container' : 'host' };
    });
}

/** Docker asks servers on the host's loopback from the host, and all others from the container. */
const upstream = (address: string): NameServer => ({
  address,
  from: Ip.tryParse(address)?.isLoopback === true ? 'host' : 'container',
});

/** Docker passes over systemd-resolved where that is all that the host has. */
function hostServers(): readonly string[] {
  const { nameservers } = parseResolvConf(textOf('/etc/resolv.conf'));
  const isResolved = nameservers.length === 1 && nameservers[0] === RESOLVED;
  return isResolved ? parseResolvConf(textOf(BEHIND_RESOLVED)).nameservers : nameservers;
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
