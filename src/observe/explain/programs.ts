/** Other programs that write firewall rules, recognised by what they call their chains and tables. Pure. */

import type { Rule, RuleChain, RuleTable } from '../packet/rulebook.ts';

/** Names of chains, of either backend. */
const CHAINS: ReadonlyArray<readonly [RegExp, string]> = [
  [/^ufw6?-/, 'ufw'],
  [
    /^(IN|FWD|FWDI|FWDO|FWD[IO]?|PRE|POST|OUT)_|_ZONES(_SOURCE)?$|^(INPUT|FORWARD|OUTPUT|PREROUTING|POSTROUTING)_direct$|_POLICIES(_pre|_post)?$/,
    'firewalld',
  ],
  [/^LIBVIRT_/, 'libvirt'],
  [/^KUBE-/, 'Kubernetes'],
  [/^cali-/, 'Calico'],
  [/^FLANNEL-/, 'flannel'],
  [/^(CNI|NETAVARK)[-_]/, 'Podman'],
  [/^(f2b|fail2ban)-/, 'fail2ban'],
  [/^ts-(input|forward|postrouting)/, 'Tailscale'],
  [/^(lxd|LXD)/, 'LXD'],
  [/^(incus|INCUS)/, 'Incus'],
  [/^sshguard/, 'sshguard'],
  [/^CROWDSEC/i, 'CrowdSec'],
  [/^CILIUM_/, 'Cilium'],
];

/** Names of tables of nftables. */
const TABLES: ReadonlyArray<readonly [RegExp, string]> = [
  [/^firewalld/, 'firewalld'],
  [/^libvirt_/, 'libvirt'],
  [/^incus/, 'Incus'],
  [/^lxd/, 'LXD'],
  [/^f2b-/, 'fail2ban'],
  [/^kube-proxy/, 'Kubernetes'],
  [/^netavark/, 'Podman'],
  [/^crowdsec/, 'CrowdSec'],
  [/^sshguard/, 'sshguard'],
  [/^docker-bridges$/, 'Docker'],
  // In the namespaces of containers: the way to the embedded resolver.
  [/^bridgeport-dns$/, 'Bridgeport'],
];

/** Chains that Docker and Bridgeport write, in the well-known layout, and Docker's in the namespaces of containers (`DOCKER_OUTPUT`). */
const ENGINE_CHAINS = /^DOCKER($|_|-(?!USER))/;

/** Comments of programs that use no chains of their own. */
const COMMENTS: ReadonlyArray<readonly [RegExp, string]> = [
  [/generated for LXD/, 'LXD'],
  [/generated for Incus/, 'Incus'],
  [/kubernetes/, 'Kubernetes'],
  [/^cali:/, 'Calico'],
];

function firstOf(list: ReadonlyArray<readonly [RegExp, string]>, text: string): string | undefined {
  return list.find(([pattern]) => pattern.test(text))?.[1];
}

/** Who writes a chain of this name; undefined where the name says nothing. */
export function programOfChain(chain: Pick<RuleChain, 'name'>, table: RuleTable): string | undefined {
  const byTable = table.source === 'nftables' ? firstOf(TABLES, table.name) : undefined;
  if (byTable !== undefined) return byTable;
  return ENGINE_CHAINS.test(chain.name) ? 'Docker' : firstOf(CHAINS, chain.name);
}

/** Who wrote a rule: by its chain, by the chain it jumps to, or by its comment. */
export function programOfRule(rule: Rule): string | undefined {
  const own = programOfChain({ name: rule.chain }, rule.table);
  if (own !== undefined) return own;
  for (const step of rule.steps) {
    if (step.kind === 'verdict' && 'chain' in step.verdict) {
      const target = programOfChain({ name: step.verdict.chain }, rule.table);
      if (target !== undefined) return target;
    }
  }
  const comment = rule.comment ?? /--comment "?([^"]*)/.exec(rule.text)?.[1];
  return comment === undefined ? undefined : firstOf(COMMENTS, comment);
}
