/** Rules that make a black hole of every path with a smaller link in it. Pure. */

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
                  `${program} -t ${table} -I ${name} -p ${family === 4 ? 'icmp --icmp-type fragmentation-needed' : 'ipv6-icmp --icmpv6-type packet-too-big'} -j ACCEPT`,
                ],
              };
            }),
        ),
      ),
    );
  },
};

/** `-p icmp … -j DROP` without a type, or with one that means "too big". */
function dropsTooBig(spec: string): boolean {
  if (!/(^| )-j (DROP|REJECT)( |$)/.test(spec) || !/(^| )-p (icmp|ipv6-icmp)( |$)/.test(spec)) return false;
  if (/ -m (limit|hashlimit|recent|conntrack|state)\b| !|^!/.test(spec)) return false;
  const type = /--icmp(?:v6)?-type (\S+)/.exec(spec)?.[1];
  return (
    type === undefined ||
    ['any', '3', '3/4', 'fragmentation-needed', 'destination-unreachable', '2', 'packet-too-big'].includes(
      type,
    )
  );
}
