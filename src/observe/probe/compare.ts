/** What the kernel reported of a packet, beside what the model said of it. Pure. */

import type { WhyProbe } from '../../base/wire/index.ts';
import type { TraceEvent } from '../../kernel/netlink/index.ts';
import type { Catalogue } from '../explain/text/index.ts';
import type { Rule } from '../packet/rulebook.ts';
import { HOST } from '../packet/snapshot.ts';
import type { Exchange } from '../packet/walk/exchange.ts';
import type { ProbeOutcome } from './client.ts';
import type { RuleHandles } from './handles.ts';

export interface Comparison {
  readonly exchange: Exchange;
  readonly outcome: ProbeOutcome;
  readonly protocol: 'tcp' | 'udp';
  readonly events: readonly TraceEvent[];
  readonly handles: Pick<RuleHandles, 'numberOf'>;
  readonly hasLegacy: boolean;
  readonly text: Catalogue;
}

export function compareProbe(comparison: Comparison): WhyProbe {
  const { exchange, outcome, protocol, events, handles, hasLegacy, text } = comparison;
  const dropped = events.find(({ verdict }) => verdict === 'drop');
  const predicted = predictedDrop(exchange);
  const agrees = sameEnd(comparison, dropped, predicted);
  const model = sayModel(exchange, text);
  const packet =
    dropped === undefined
      ? text.probe.outcome(outcome)
      : text.probe.dropped(placeOf(dropped, handles.numberOf(dropped)));
  const said =
    agrees === null
      ? text.probe.undecided(packet)
      : agrees
        ? text.probe.agrees()
        : text.probe.differs(model, packet);
  // A UDP service need not answer, and what is traced is the host's part of the way.
  const notes = [
    ...(hasLegacy ? [text.probe.legacy()] : []),
    ...(events.length === 0 && protocol === 'udp' ? [text.probe.nothingSeen()] : []),
  ];
  return {
    traced: events.length > 0,
    agrees,
    text: [said, ...notes].join(' '),
    events: events.map((event) => {
      const place = placeOf(event, handles.numberOf(event));
      const verdict = event.target === undefined ? event.verdict : `${event.verdict} ${event.target}`;
      return {
        hook: event.type,
        table: `${event.family} ${event.table}`,
        chain: event.chain,
        ...(event.handle === undefined ? {} : { rule: `${event.handle}` }),
        verdict,
        text: `${place}: ${verdict}`,
      };
    }),
  };
}

interface Predicted {
  readonly rule?: Rule;
  readonly chain: string;
}

/** The rule of the host, or the policy, that the model says drops it; a rejection is no drop to the trace. */
function predictedDrop({ there, back }: Exchange): Predicted | undefined {
  for (const leg of [there, back]) {
    if (leg?.end.kind !== 'stopped' || leg.end.namespace !== HOST) continue;
    const { cause } = leg.end;
    if (cause.kind === 'rule' && cause.outcome === 'drop')
      return { rule: cause.rule, chain: cause.rule.chain };
    if (cause.kind === 'policy') return { chain: cause.chain.name };
  }
  return undefined;
}

/** Null: the packet's fate says too little. */
function sameEnd(
  { exchange, outcome, protocol, events, handles }: Comparison,
  dropped: TraceEvent | undefined,
  predicted: Predicted | undefined,
): boolean | null {
  if (exchange.works === undefined) return null;
  if (dropped !== undefined || predicted !== undefined) {
    if (dropped === undefined) return events.length === 0 && outcome === 'silent' ? null : false;
    if (predicted === undefined || predicted.chain !== dropped.chain) return false;
    const { rule } = predicted;
    if (rule === undefined) return dropped.type === 'policy';
    return dropped.handle === rule.handle || handles.numberOf(dropped) === rule.number;
  }
  if (protocol === 'udp')
    return outcome === 'refused' ? !exchange.works : events.length > 0 && exchange.works ? true : null;
  // Who is beyond, and whether they answer, the model does not know.
  if (exchange.there.end.kind === 'left' && outcome !== 'connected') return null;
  return (outcome === 'connected') === exchange.works;
}

function sayModel({ works, there, back }: Exchange, text: Catalogue): string {
  const stopped = [there, back].find((leg) => leg?.end.kind === 'stopped')?.end;
  if (works === true || stopped?.kind !== 'stopped') return text.probe.outcome('connected');
  const { cause } = stopped;
  if (cause.kind === 'rule') return text.probe.dropped(cause.rule.text);
  if (cause.kind === 'policy') return text.probe.dropped(cause.chain.name);
  return text.probe.outcome('silent');
}

/** `ip filter FORWARD, rule 3`. */
function placeOf({ family, table, chain, type, handle }: TraceEvent, number: number | undefined): string {
  const place = `${family} ${table} ${chain}`;
  if (type !== 'rule') return `${place}, ${type}`;
  return `${place}, rule ${number ?? `with handle ${handle}`}`;
}
