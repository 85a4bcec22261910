/** Are the firewall's rules there, and do they have a say? Pure. */

import { shellCommand } from '../../../base/shell.ts';
import { type IptablesTables, ruleWords } from '../../../kernel/iptables/index.ts';
import type { Origin } from '../../../network/firewall/index.ts';
import { setSysctl } from '../commands.ts';
import { type Check, DAEMON, type Finding, ofContainer, ofNetwork } from '../finding.ts';
import type { ForeignChain, Snapshot } from '../snapshot.ts';
import { bridged, liveBridge, members } from '../view.ts';

/** Rules that are told one by one; of more, how many. */
const SHOWN = 10;

export const rulesMissing: Check = {
  id: 'rules-missing',
  find(snapshot) {
    const { missing, wanted } = snapshot.rules();
    if (missing.length === 0) return [];
    const all = missing.length === wanted;
    const groups = new Map<string, { owner: Finding['owner']; texts: string[] }>();
    for (const { origin, text } of missing) {
      const owner = all ? DAEMON : ownerOf(snapshot, origin);
      const key = `${owner.kind} ${owner.name}`;
      const group = groups.get(key) ?? { owner, texts: [] };
      groups.set(key, group);
      group.texts.push(origin === undefined ? text : `${text} (${origin.key})`);
    }
    return [...groups.values()].map(
      ({ owner, texts }): Finding => ({
        check: 'rules-missing',
        severity: 'error',
        owner,
        facts: { missing: texts.length, wanted, all },
        evidence: [
          ...texts.slice(0, SHOWN),
          ...(texts.length > SHOWN ? [`… ${texts.length - SHOWN} more`] : []),
        ],
        commands: snapshot.engine.repair,
      }),
    );
  },
};

function ownerOf(snapshot: Snapshot, origin: Origin | undefined): Finding['owner'] {
  const member = members(snapshot).find(({ endpoint }) => endpoint.id === origin?.endpointId);
  if (member !== undefined) return ofContainer(member.container);
  const network = snapshot.networks.find(({ id }) => id === origin?.networkId);
  return network === undefined ? DAEMON : ofNetwork(network);
}

/** Hooks that a forwarded packet meets, in order, before or in ours; the user's own chain is among ours. */
const BEFORE: ReadonlyArray<readonly [table: string, chain: string]> = [
  ['raw', 'PREROUTING'],
  ['mangle', 'PREROUTING'],
  ['mangle', 'FORWARD'],
  ['filter', 'FORWARD'],
];

export const rulesShadowed: Check = {
  id: 'rules-shadowed',
  find(snapshot) {
    if (bridged(snapshot).length === 0 || snapshot.firewall === 'none') return [];
    const { tables, legacy, foreign, ours } = snapshot.rules();
    return [
      ...[...tables].flatMap(([family, saved]) => [
        ...early(snapshot, family, saved, ours, ''),
        // With iptables as our own, a policy of DROP is for what our rules do not accept.
        ...(snapshot.firewall === 'iptables' ? [] : otherPolicy(snapshot, family, saved, '')),
      ]),
      ...[...legacy].flatMap(([family, saved]) => [
        ...early(snapshot, family, saved, new Set(), '-legacy'),
        ...otherPolicy(snapshot, family, saved, '-legacy'),
      ]),
      ...foreign.flatMap((chain) => foreignDrop(snapshot, chain)),
    ];
  },
};

/** Rules of others that come before ours and drop everything of a network. */
function early(
  snapshot: Snapshot,
  family: 4 | 6,
  tables: IptablesTables,
  ours: ReadonlySet<string>,
  variant: string,
): Finding[] {
  const program = `${family === 4 ? 'iptables' : 'ip6tables'}${variant}`;
  return BEFORE.flatMap(([table, chain]) => {
    const rules = tables.get(table)?.chains.get(chain)?.rules ?? [];
    // An engine whose rules we do not know is told by its chains.
    const firstOfOurs = rules.findIndex(
      ({ spec }) => ours.has(`${table} ${chain} ${spec}`) || /-j DOCKER/.test(spec),
    );
    return rules
      .slice(0, firstOfOurs === -1 ? rules.length : firstOfOurs)
      .filter(({ spec }) => bridged(snapshot).some(({ bridge }) => dropsAllOf(spec, bridge.name)))
      .map(
        ({ spec }): Finding =>
          shadow('rule', `${program} -t ${table} ${chain}`, `${program} -t ${table} -A ${chain} ${spec}`, [
            shellCommand(program, '-t', table, '-D', chain, ...ruleWords(spec)),
          ]),
      );
  });
}

/** `-j DROP` and `-i docker0 -j REJECT` do; what looks at more than the interfaces means something narrower. */
function dropsAllOf(spec: string, bridge: string): boolean {
  const words = ruleWords(spec);
  for (let at = 0; at < words.length; at += 2) {
    const [option, value = ''] = [words[at], words[at + 1]];
    if (option === '-j') return value === 'DROP' || value === 'REJECT';
    const isComment = option === '-m' && value === 'comment';
    if (isComment || option === '--comment') continue;
    if (option !== '-i' && option !== '-o') return false;
    const covers = value.endsWith('+') ? bridge.startsWith(value.slice(0, -1)) : value === bridge;
    if (!covers) return false;
  }
  return false;
}

/** Every generation of tables is asked about every packet: the policy of one that nothing of ours stands in holds. */
function otherPolicy(snapshot: Snapshot, family: 4 | 6, tables: IptablesTables, variant: string): Finding[] {
  const forward = tables.get('filter')?.chains.get('FORWARD');
  if (forward?.policy !== 'DROP') return [];
  const isLet = forward.rules.some(
    ({ spec }) =>
      spec.endsWith('-j ACCEPT') && bridged(snapshot).some(({ bridge }) => spec.includes(bridge.name)),
  );
  if (isLet) return [];
  const program = `${family === 4 ? 'iptables' : 'ip6tables'}${variant}`;
  const lets = bridged(snapshot).flatMap(({ bridge }) =>
    ['-i', '-o'].map((way) => shellCommand(program, '-I', 'FORWARD', way, bridge.name, '-j', 'ACCEPT')),
  );
  return [shadow('policy', `${program} -t filter FORWARD`, `${program} -P FORWARD DROP`, lets)];
}

/** A base chain of another table that ends in a drop, in a table that does not know our bridges. */
function foreignDrop(
  snapshot: Snapshot,
  { table, chain, policy, rules, tableText }: ForeignChain,
): Finding[] {
  const last = rules.at(-1) ?? '';
  const rejects = /^(counter( packets \d+ bytes \d+)? )?(drop|reject)\b/.test(last);
  if (policy !== 'drop' && !rejects) return [];
  const isKnown = bridged(snapshot).some(({ bridge }) => tableText.includes(`"${bridge.name}"`));
  if (isKnown || rules.some((rule) => /^(counter( packets \d+ bytes \d+)? )?accept$/.test(rule))) return [];
  const what = policy === 'drop' ? 'policy' : 'rule';
  const evidence =
    policy === 'drop'
      ? `nft list chain ${table} ${chain}: policy drop`
      : `nft list chain ${table} ${chain}: ${last}`;
  const names = bridged(snapshot).map(({ bridge }) => `"${bridge.name}"`);
  const lets = ['iifname', 'oifname'].map((way) =>
    shellCommand('nft', `insert rule ${table} ${chain} ${way} { ${names.join(', ')} } accept`),
  );
  return [shadow(what, `nft ${table} ${chain}`, evidence, lets)];
}

function shadow(what: 'policy' | 'rule', where: string, evidence: string, commands: string[]): Finding {
  return {
    check: 'rules-shadowed',
    severity: 'error',
    owner: { kind: 'program', name: where },
    facts: { where, what },
    evidence: [evidence],
    commands,
  };
}

export const bridgeFilterOff: Check = {
  id: 'bridge-filter-off',
  find(snapshot) {
    if (snapshot.firewall === 'none') return [];
    const { sysctl } = snapshot.host();
    return bridged(snapshot)
      .filter(({ bridge }) => !bridge.icc)
      .flatMap((network): Finding[] => {
        const setting = 'net/bridge/bridge-nf-call-iptables';
        if (sysctl(setting) === '1' || liveBridge(snapshot, network)?.bridge?.nfCallIptables === true)
          return [];
        return [
          {
            check: 'bridge-filter-off',
            severity: 'error',
            owner: ofNetwork(network),
            facts: { setting },
            evidence: [`${setting} = ${sysctl(setting) ?? 'no such setting'}`],
            commands: [
              ...(sysctl(setting) === undefined ? ['modprobe br_netfilter'] : []),
              setSysctl(setting, 1),
            ],
          },
        ];
      });
  },
};
