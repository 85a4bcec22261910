/**
 * The rules of ufw(8) as `ufw enable` leaves them with `deny incoming`, `allow outgoing`, `deny routed` and SSH allowed: the chains, the
 * order and the policies of /etc/ufw/before.rules and of its user rules, without the logging. ufw itself need not be there.
 */

import type { Netns } from './netns.ts';

const PLACES = ['input', 'output', 'forward'] as const;

export async function loadUfw(host: Netns): Promise<void> {
  const chains = PLACES.flatMap((place) => [
    `ufw-before-${place}`,
    `ufw-user-${place}`,
    `ufw-after-${place}`,
    `ufw-reject-${place}`,
  ]);
  const established = (place: string) =>
    `-A ufw-before-${place} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT`;
  const rules = [
    '*filter',
    ':INPUT DROP [0:0]',
    ':FORWARD DROP [0:0]',
    ...chains.map((chain) => `:${chain} - [0:0]`),
    ...PLACES.flatMap((place) => [
      `-A ${place.toUpperCase()} -j ufw-before-${place}`,
      `-A ${place.toUpperCase()} -j ufw-after-${place}`,
      `-A ${place.toUpperCase()} -j ufw-reject-${place}`,
    ]),
    '-A ufw-before-input -i lo -j ACCEPT',
    '-A ufw-before-output -o lo -j ACCEPT',
    ...PLACES.map(established),
    '-A ufw-before-input -m conntrack --ctstate INVALID -j DROP',
    '-A ufw-before-input -p icmp -m icmp --icmp-type 8 -j ACCEPT',
    '-A ufw-before-forward -p icmp -m icmp --icmp-type 8 -j ACCEPT',
    ...PLACES.map((place) => `-A ufw-before-${place} -j ufw-user-${place}`),
    '-A ufw-before-output -j ACCEPT',
    '-A ufw-user-input -p tcp -m tcp --dport 22 -j ACCEPT',
    'COMMIT',
    '',
  ];
  const { code, stderr } = await host.run(['iptables-restore', '--noflush'], { input: rules.join('\n') });
  if (code !== 0) throw new Error(`load ufw's rules: ${stderr}`);
}
