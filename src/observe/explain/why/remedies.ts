/** Commands that would change what stands in the way; words in capitals are to be filled in. Pure. */

import type { Rule, RuleChain, RuleTable } from '../../packet/rulebook.ts';
import type { TopologyContainer, TopologyRecords } from '../../topology/records.ts';
import type { ExpectedRule } from '../ownership.ts';
import { networkOwner } from './parties.ts';

/** Drivers of networks that go with no other. */
const ALONE: ReadonlySet<string> = new Set(['null', 'host']);

/** Brings a container into a network: what it shares the network of, if so; by a new one, where it is on `none` or `host`. */
export function joinNetwork(
  network: string,
  container: TopologyContainer | undefined,
  records: TopologyRecords,
): string {
  if (container === undefined) return `docker network connect ${network} CONTAINER`;
  const owner = networkOwner(container, records);
  const joined = records.networks().filter(({ id }) => owner.networkIds.includes(id));
  // Of what it is on already, another one is meant.
  const wanted = joined.some(({ name }) => name === network) ? 'NETWORK' : network;
  const isAlone = joined.some(({ driver }) => ALONE.has(driver));
  return isAlone
    ? `docker run --network ${wanted} … ${owner.image}`
    : `docker network connect ${wanted} ${owner.name}`;
}

/** Goes before a command that is to be run in a container's network namespace, with the host's programs. */
export function enterNetwork(container: TopologyContainer | undefined): string {
  return container === undefined ? '' : `nsenter --net=/proc/${container.pid}/ns/net `;
}

/** Publishes a port, by a new container: those of one that exists are fixed. */
export function publish(hostPort: number, containerPort: number, protocol: string, image: string): string {
  return `docker run -p ${hostPort}:${containerPort}${protocol === 'tcp' ? '' : `/${protocol}`} … ${image}`;
}

/** The program that a table's rules are written with. */
function programOf({ source, family }: RuleTable): string {
  const name = family === 'ip6' ? 'ip6tables' : 'iptables';
  return source === 'iptables-legacy' ? `${name}-legacy` : name;
}

/** Takes a rule away. */
export function removeRule(rule: Rule): string {
  const { table } = rule;
  if (table.source === 'nftables') {
    return `nft delete rule ${table.family} ${table.name} ${rule.chain} handle ${rule.handle}`;
  }
  return `${programOf(table)} -t ${table.name} -D ${rule.chain} ${rule.number}`;
}

/** Writes a rule of the engine that is missing. */
export function restoreRule(
  { family, table, chain, text, comment }: ExpectedRule,
  source: RuleTable['source'],
): string {
  if (source === 'nftables') {
    return comment === undefined
      ? `nft add element ${family} ${table} ${text}`
      : `nft add rule ${family} ${table} ${chain} '${text} comment "${comment}"'`;
  }
  const program = family === 'ip6' ? 'ip6tables' : 'iptables';
  return `${program} -t ${table} ${text.replace(/^-A/, '-I')}`;
}

/** Lets a packet through a firewall program, in that program's own words. */
export function allowIn(
  program: string | undefined,
  chain: { readonly hook: string; readonly rule?: Rule; readonly policyOf?: RuleChain },
  packet: {
    readonly protocol: string;
    readonly destination: string;
    readonly port: number;
    readonly bridge?: string;
  },
): string[] {
  const { protocol, destination, port, bridge = 'BRIDGE' } = packet;
  const routed = chain.hook === 'forward';
  const isPing = protocol === 'icmp';
  const six = destination.includes(':');
  const ping = six ? 'ipv6-icmp' : 'icmp';
  // What ufw's commands cannot say of a ping is in its files.
  if (program === 'ufw' && isPing) return [`editor /etc/ufw/before${six ? '6' : ''}.rules && ufw reload`];
  if (program === 'ufw') {
    return routed
      ? [`ufw route allow proto ${protocol} from any to ${destination} port ${port}`]
      : [`ufw allow ${port}/${protocol}`];
  }
  if (program === 'firewalld') {
    return routed
      ? [`firewall-cmd --permanent --zone=trusted --add-interface=${bridge} && firewall-cmd --reload`]
      : [
          `firewall-cmd --permanent ${isPing ? `--add-protocol=${ping}` : `--add-port=${port}/${protocol}`} && firewall-cmd --reload`,
        ];
  }
  if (chain.rule !== undefined) return [removeRule(chain.rule)];
  const policy = chain.policyOf;
  if (policy === undefined) return [];
  const { table, name } = policy;
  if (table.source === 'nftables') {
    const what = isPing ? `meta l4proto ${ping}` : `${protocol} dport ${port}`;
    const accept = routed ? `oifname "${bridge}" accept` : `${what} accept`;
    return [`nft insert rule ${table.family} ${table.name} ${name} ${accept}`];
  }
  const what = isPing ? `-p ${ping}` : `-p ${protocol} --dport ${port}`;
  const accept = routed ? `-I ${name} -o ${bridge} ${what} -j ACCEPT` : `-I ${name} ${what} -j ACCEPT`;
  return [`${programOf(table)} ${accept}`, `${programOf(table)} -P ${name} ACCEPT`];
}
