/** Rules that make a black hole of every path with a smaller link in it. Pure. */

import { shellCommand } from '../../../base/shell.ts';
import { ruleWords } from '../../../kernel/iptables/index.ts';
import type { Check, Finding } from '../finding.ts';
import { bridged } from '../view.ts';
import { stepDowns } from './links.ts';

/** Without "fragmentation needed" nobody learns that a packet was too large: connections open, and then stand still. */
export const icmpDropped: Check = {
  id: 'icmp-dropped',
  find(snapshot) {
    if (bridged(snapshot).length === 0) return [];
    const { tables, legacy, ours } = snapshot.rules();
    const stepDown = stepDowns(snapshot).length > 0;
    const sources = [
      ...[...tables].map(([family, saved]) => ({ family, saved, variant: '' })),
      ...[...legacy].map(([family, saved]) => ({ family, saved, variant: '-legacy' })),
    ];
    return sources.flatMap(({ family, saved, variant }) =>
      [...saved].flatMap(([table, { chains }]) =>
        [...chains.values()].flatMap(({ name, rules }) =>
          rules
            // What an earlier rule lets through does not meet a later one.
            .slice(0, firstThat(rules, letsTooBig))
            .filter(({ spec }) => !ours.has(`${table} ${name} ${spec}`) && dropsTooBig(spec))
            .map(({ spec }): Finding => {
              const program = `${family === 4 ? 'iptables' : 'ip6tables'}${variant}`;
              return {
                check: 'icmp-dropped',
                severity: stepDown ? 'error' : 'warning',
                owner: { kind: 'program', name: `${program} -t ${table} ${name}` },
                facts: { where: `${program} -t ${table} ${name}`, stepDown },
                evidence: [`${program} -t ${table} -A ${name} ${spec}`],
                commands: [
                  shellCommand(
                    ...[program, '-t', table, '-I', name],
                    ...(family === 4
                      ? ['-p', 'icmp', '--icmp-type', 'fragmentation-needed']
                      : ['-p', 'ipv6-icmp', '--icmpv6-type', 'packet-too-big']),
                    ...['-j', 'ACCEPT'],
                  ),
                ],
              };
            }),
        ),
      ),
    );
  },
};

function firstThat(rules: ReadonlyArray<{ readonly spec: string }>, is: (spec: string) => boolean): number {
  const at = rules.findIndex(({ spec }) => is(spec));
  return at === -1 ? rules.length : at;
}

/** Accepts "too big" wherever it comes from: by its type, or because it belongs to a connection. */
function letsTooBig(spec: string): boolean {
  const words = ruleWords(spec);
  const [target] = words.slice(words.indexOf('-j') + 1);
  const conditions = new Map<string, string>();
  for (let at = 0; at < words.length; at += 2) conditions.set(words[at]!, words[at + 1] ?? '');
  conditions.delete('-j');
  conditions.delete('-m');
  conditions.delete('--comment');
  if (target !== 'ACCEPT') return false;
  const states = conditions.get('--ctstate') ?? conditions.get('--state');
  if (states !== undefined) return conditions.size === 1 && states.split(',').includes('RELATED');
  const protocol = conditions.get('-p');
  conditions.delete('-p');
  const isIcmp = protocol === 'icmp' || protocol === 'ipv6-icmp';
  const type = conditions.get('--icmp-type') ?? conditions.get('--icmpv6-type');
  return isIcmp && conditions.size <= 1 && (type === undefined ? conditions.size === 0 : TOO_BIG.has(type));
}

/** As iptables-save writes types that mean, or contain, "too big". */
const TOO_BIG: ReadonlySet<string> = new Set([
  'any',
  '3',
  '3/4',
  'fragmentation-needed',
  'destination-unreachable',
  '2',
  'packet-too-big',
]);

/** `-p icmp … -j DROP` without a type, or with one that means "too big". */
function dropsTooBig(spec: string): boolean {
  if (!/(^| )-j (DROP|REJECT)( |$)/.test(spec) || !/(^| )-p (icmp|ipv6-icmp)( |$)/.test(spec)) return false;
  if (/ -m (limit|hashlimit|recent|conntrack|state)\b| !|^!/.test(spec)) return false;
  const type = /--icmp(?:v6)?-type (\S+)/.exec(spec)?.[1];
  return type === undefined || TOO_BIG.has(type);
}
