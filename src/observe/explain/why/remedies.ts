/** Commands that would change what stands in the way; words in capitals are to be filled in. Pure. */

import type { Rule, RuleChain, RuleTable } from '../../packet/rulebook.ts';
import type { ExpectedRule } from '../ownership.ts';

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
  if (program === 'ufw') {
    return routed
      ? [`ufw route allow proto ${protocol} from any to ${destination} port ${port}`]
      : [`ufw allow ${port}/${protocol}`];
  }
  if (program === 'firewalld') {
    return routed
      ? [`firewall-cmd --permanent --zone=trusted --add-interface=${bridge} && firewall-cmd --reload`]
      : [`firewall-cmd --permanent --add-port=${port}/${protocol} && firewall-cmd --reload`];
  }
  if (chain.rule !== undefined) return [removeRule(chain.rule)];
  const policy = chain.policyOf;
  if (policy === undefined) return [];
  const { table, name } = policy;
  if (table.source === 'nftables') {
    const accept = routed ? `oifname "${bridge}" accept` : `${protocol} dport ${port} accept`;
    return [`nft insert rule ${table.family} ${table.name} ${name} ${accept}`];
  }
  const accept = routed
    ? `-I ${name} -o ${bridge} -p ${protocol} --dport ${port} -j ACCEPT`
    : `-I ${name} -p ${protocol} --dport ${port} -j ACCEPT`;
  return [`${programOf(table)} ${accept}`, `${programOf(table)} -P ${name} ACCEPT`];
}
