/** What would be lost without a rule of the engine, by kind of rule. */

import type { SentenceKey } from '../../network/firewall/index.ts';

export type Loss =
  | 'user-say'
  | 'apart'
  | 'crossing'
  | 'published'
  | 'translated'
  | 'closed'
  | 'direct'
  | 'trusted'
  | 'answers'
  | 'outgoing'
  | 'icc'
  | 'icc-open'
  | 'source'
  | 'local-source'
  | 'hairpin'
  | 'link'
  | 'loopback'
  | 'proxy'
  | 'ping'
  | 'unprotected'
  | 'nothing';

export const LOSSES: Readonly<Record<SentenceKey, Loss>> = {
  'user-jump': 'user-say',
  'user-return': 'nothing',
  'isolation-jump': 'apart',
  'isolation-known': 'crossing',
  'isolation-from': 'apart',
  'isolation-to': 'apart',
  'isolation-published': 'published',
  'isolation-return': 'nothing',
  'internal-in': 'closed',
  'internal-out': 'closed',
  'direct-trusted': 'trusted',
  'direct-drop': 'direct',
  established: 'answers',
  'published-jump': 'published',
  'unprotected-accept': 'unprotected',
  'routed-drop': 'direct',
  'unpublished-drop': 'direct',
  'routed-icmp': 'ping',
  outgoing: 'outgoing',
  'icc-accept': 'icc',
  'icc-drop': 'icc-open',
  'icc-published': 'published',
  'icc-neighbours': 'published',
  'nat-incoming': 'translated',
  'nat-local': 'translated',
  'proxy-return': 'proxy',
  'proxy-lookup': 'proxy',
  masquerade: 'source',
  snat: 'source',
  'masquerade-local': 'local-source',
  'port-accept': 'published',
  'port-translate': 'translated',
  'port-hairpin': 'hairpin',
  'localhost-jump': 'translated',
  'localhost-masquerade': 'local-source',
  'link-request': 'link',
  'link-answer': 'link',
  'loopback-drop': 'loopback',
  'loopback-source-drop': 'loopback',
  'known-bridge': 'apart',
  'leaving-jump': 'outgoing',
  'entering-jump': 'published',
  'network-jump': 'published',
  'port-lookup': 'published',
  'link-lookup': 'link',
  'translate-lookup': 'translated',
  'link-local-return': 'proxy',
  'hairpin-lookup': 'hairpin',
  hairpin: 'hairpin',
};
