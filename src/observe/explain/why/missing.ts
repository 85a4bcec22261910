/** Rules of the engine that are gone, and whether a packet would have met them. Pure. */

import { Ip } from '../../../base/ip.ts';
import { evaluate } from '../../packet/condition.ts';
import { readIptablesRule } from '../../packet/iptables/rule.ts';
import type { Packet } from '../../packet/packet.ts';
import { addressType } from '../../packet/routing.ts';
import type { Hook } from '../../packet/rulebook.ts';
import { HOST } from '../../packet/snapshot.ts';
import type { Hop } from '../../packet/walk/hops.ts';
import type { ExpectedRule } from '../ownership.ts';
import type { WhyContext } from './context.ts';

/** Kinds of rules that let packets through or translate them; without the others more would pass, not less. */
const HELPING = new Set([
  ...[
    'isolation-known',
    'established',
    'published-jump',
    'outgoing',
    'icc-accept',
    'icc-published',
    'icc-neighbours',
  ],
  ...['nat-incoming', 'nat-local', 'masquerade', 'snat', 'masquerade-local', 'port-accept', 'port-translate'],
  ...[
    'port-hairpin',
    'link-request',
    'link-answer',
    'leaving-jump',
    'entering-jump',
    'network-jump',
    'port-lookup',
  ],
  ...['link-lookup', 'translate-lookup', 'hairpin-lookup', 'hairpin', 'routed-icmp', 'unprotected-accept'],
  ...['isolation-published', 'direct-trusted', 'proxy-return', 'proxy-lookup', 'known-bridge'],
]);

/** Those that this way would have met, what decides about entering first. */
export function missedOnTheWay(hops: readonly Hop[], context: WhyContext): ExpectedRule[] {
  const asked = hops.filter((hop) => hop.kind === 'asked').filter(({ namespace }) => namespace === HOST);
  return context.missing
    .filter((rule) => HELPING.has(rule.origin.key) && asked.some((hop) => meets(rule, hop, context)))
    .sort((a, b) => rank(a) - rank(b));
}

/** What names a port goes before what is general. */
function rank({ origin }: ExpectedRule): number {
  return origin.port !== undefined ? 0 : origin.endpointId !== undefined ? 1 : 2;
}

function meets(rule: ExpectedRule, hop: Extract<Hop, { kind: 'asked' }>, context: WhyContext): boolean {
  const { packet, hook } = hop;
  if ((rule.family === 'ip6' ? 6 : 4) !== packet.family) return false;
  if (context.settings.firewall === 'nftables') return concerns(rule, packet, hook, context);
  if (!hooksOf(rule).includes(hook)) return false;
  const namespace = context.snapshot.namespaces.get(HOST);
  if (namespace === undefined) return false;
  const around = {
    addressType: (value: bigint, family: 4 | 6) => addressType(namespace, new Ip(family, value)),
    reversePath: () => undefined,
  };
  // As the packet is inside of the hook: tracked, and with the interface it leaves by.
  const { steps } = readIptablesRule(rule.text.replace(/^-A \S+ /, ''), () => true);
  return steps.every((step) => step.kind !== 'match' || evaluate(step.condition, packet, around) !== false);
}

/** Of nftables, what a rule or an element is for says whom it concerns. */
function concerns({ origin }: ExpectedRule, packet: Packet, hook: Hook, { records }: WhyContext): boolean {
  const { port, networkId } = origin;
  if (port !== undefined) {
    const { destination, source } = packet;
    const within = (value: number, start: number, end = start) => value >= start && value <= end;
    const side = origin.key === 'link-answer' ? source : destination;
    return (
      within(side.port, port.containerPort, port.containerPortEnd) ||
      (port.hostPort !== undefined && within(side.port, port.hostPort, port.hostPortEnd))
    );
  }
  if (networkId === undefined) return true;
  const bridge = records.networks().find(({ id }) => id === networkId)?.bridge?.name;
  return hook !== 'input' && (packet.input === bridge || packet.output === bridge);
}

function hooksOf({ table, chain }: ExpectedRule): Hook[] {
  if (table === 'filter') return ['forward'];
  if (table === 'raw') return ['prerouting'];
  if (chain === 'POSTROUTING') return ['postrouting'];
  if (chain === 'OUTPUT') return ['output'];
  return chain === 'PREROUTING' ? ['prerouting'] : ['prerouting', 'output'];
}
