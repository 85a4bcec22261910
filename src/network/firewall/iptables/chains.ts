/** The chains of Docker's well-known layout, and the jumps that lead into them. */

import { type FirewallIntent, inFamily } from '../intent.ts';
import type { RuleBuilder } from './builder.ts';
import type { ChainSpec, Rule } from './rules.ts';

export type ChainName =
  | 'PREROUTING'
  | 'OUTPUT'
  | 'POSTROUTING'
  | 'FORWARD'
  | 'DOCKER'
  | 'DOCKER-LOCALHOST'
  | 'DOCKER-USER'
  | 'DOCKER-ISOLATION-STAGE-1'
  | 'DOCKER-ISOLATION-STAGE-2';

const USER_SEED: readonly Rule[] = [
  { table: 'filter', chain: 'DOCKER-USER', args: '-j RETURN', origin: { key: 'user-return' } },
];

/**
 * Every chain that we may have rules in. Placement follows Docker: FORWARD and POSTROUTING at the top (a general
 * ACCEPT or SNAT of somebody else must not come first), the others at the end.
 */
export function baseChains(forwardDrop: boolean): ChainSpec[] {
  return [
    { table: 'raw', name: 'PREROUTING', owner: 'kernel', placement: 'end' },
    {
      table: 'filter',
      name: 'FORWARD',
      owner: 'kernel',
      placement: 'top',
      ...(forwardDrop ? { policy: 'DROP' as const } : {}),
    },
    { table: 'filter', name: 'DOCKER', owner: 'us', placement: 'end' },
    { table: 'filter', name: 'DOCKER-ISOLATION-STAGE-1', owner: 'us', placement: 'end' },
    { table: 'filter', name: 'DOCKER-ISOLATION-STAGE-2', owner: 'us', placement: 'end' },
    { table: 'filter', name: 'DOCKER-USER', owner: 'user', placement: 'end', seed: USER_SEED },
    { table: 'nat', name: 'PREROUTING', owner: 'kernel', placement: 'end' },
    { table: 'nat', name: 'OUTPUT', owner: 'kernel', placement: 'end' },
    { table: 'nat', name: 'POSTROUTING', owner: 'kernel', placement: 'top' },
    { table: 'nat', name: 'DOCKER', owner: 'us', placement: 'end' },
    { table: 'nat', name: 'DOCKER-LOCALHOST', owner: 'us', placement: 'end' },
  ];
}

/** Chains that are not declared while no rule is in them. */
export const OCCASIONAL_CHAINS: ReadonlySet<string> = new Set(['DOCKER-LOCALHOST']);

/** The jumps that stand before all networks. */
export function addJumps(builder: RuleBuilder, intent: FirewallIntent): void {
  builder.add('filter', 'FORWARD', ['-j DOCKER-USER'], { key: 'user-jump' });
  builder.add('filter', 'FORWARD', ['-j DOCKER-ISOLATION-STAGE-1'], { key: 'isolation-jump' });
  builder.add('nat', 'PREROUTING', ['-m addrtype --dst-type LOCAL -j DOCKER'], { key: 'nat-incoming' });
  // With the proxy, loopback is the proxy's: a connection from 127.0.0.1 cannot be forwarded without route_localnet. IPv6 has
  // no such switch, so that an answer to ::1 would be dropped: without the proxy, the port keeper resets what comes there.
  const exceptLoopback =
    builder.family === 6 ? ['! -d ::1/128'] : intent.userlandProxy ? ['! -d 127.0.0.0/8'] : [];
  builder.add('nat', 'OUTPUT', [...exceptLoopback, '-m addrtype --dst-type LOCAL -j DOCKER'], {
    key: 'nat-local',
  });
}

/** What stands after all networks. */
export function addReturns(builder: RuleBuilder): void {
  builder.add('filter', 'DOCKER-ISOLATION-STAGE-1', ['-j RETURN'], { key: 'isolation-return' });
  builder.add('filter', 'DOCKER-ISOLATION-STAGE-2', ['-j RETURN'], { key: 'isolation-return' });
}

/** True when the intent's packets that nobody accepts are to be dropped in this family. */
export function wantsForwardDrop(builder: RuleBuilder, intent: FirewallIntent): boolean {
  return inFamily(intent.forwardDrop, builder.family);
}
