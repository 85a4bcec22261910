/** What is true and does not decide. Pure. */

import type { WhyCause } from '../../../base/wire/index.ts';
import { explainOrigin } from '../../../network/firewall/index.ts';
import type { Ternary } from '../../packet/condition.ts';
import { HOST } from '../../packet/snapshot.ts';
import type { Exchange } from '../../packet/walk/exchange.ts';
import type { Catalogue } from '../text/index.ts';
import type { WhyContext } from './context.ts';
import { missedOnTheWay } from './missing.ts';
import { knowsName, networkOwner } from './parties.ts';

/** Families of nftables whose hooks the walk does not ask at. */
const UNWALKED: ReadonlySet<string> = new Set(['netdev', 'bridge', 'arp']);

export function remarksOf(
  { direct, proxied }: { readonly direct?: Exchange; readonly proxied?: Exchange },
  context: WhyContext,
  works: Ternary,
  cause: WhyCause | undefined,
): string[] {
  const { text, plan, to, from, snapshot, records } = context;
  const { remarks } = text;
  const said: string[] = [];
  if (works === undefined) {
    const exchanges = [direct, proxied].filter((exchange) => exchange !== undefined);
    const because = exchanges.map((exchange) => doubtOf(exchange, text)).find((what) => what !== undefined);
    if (because !== undefined) said.push(remarks.hangsOn(because));
  }
  if (plan.chosenPort !== undefined) said.push(remarks.chosenPort(`${plan.protocol}/${plan.chosenPort}`));
  for (const { network, container } of [from, to]) {
    if (network !== undefined && container !== undefined) {
      said.push(remarks.chosenContainer(container.name, network.name));
    }
  }
  for (const what of snapshot.namespaces.get(HOST)?.firewall.unread ?? []) said.push(remarks.unread(what));
  const unwalked = (snapshot.namespaces.get(HOST)?.firewall.tables ?? []).filter(
    ({ family, chains }) =>
      UNWALKED.has(family) && [...chains.values()].some(({ rules }) => rules.length > 0),
  );
  if (unwalked.length > 0)
    said.push(remarks.unwalked(unwalked.map(({ family, name }) => `${family} ${name}`)));
  const named = from.view.kind === 'name' && from.ip !== undefined;
  if (named) said.push(remarks.nameOf(from.view.asked, from.ip.toString()));
  const questions = to.name?.resolution?.questions ?? [];
  const slow = questions.find(({ outcome }) => outcome === 'silent')?.server;
  if (slow !== undefined && questions.at(-1)?.outcome !== 'silent') said.push(remarks.nameSlow(slow));
  const isOwn = from.container !== undefined && to.ip?.isLoopback === true && cause?.kind === 'no-socket';
  if (isOwn && direct?.there.end.namespace !== HOST) said.push(remarks.ownLoopback(from.container.name));
  if (plan.paused !== undefined && cause?.kind !== 'paused')
    said.push(remarks.paused(plan.paused.container.name));
  if (direct === undefined) return said;
  if (
    to.view.kind === 'container' &&
    from.container !== undefined &&
    from.container.id !== to.container?.id
  ) {
    const { asked } = to.view;
    // An id is nobody's idea of a name.
    const isId =
      to.container !== undefined && asked !== to.container.name && to.container.id.startsWith(asked);
    if (
      to.container !== undefined &&
      !isId &&
      !knowsName(networkOwner(from.container, records), to.container, asked)
    ) {
      said.push(remarks.noNamesOnDefault(asked));
    }
  }
  if (works === true) {
    const hops = [direct, proxied].flatMap((exchange) => [
      ...(exchange?.there.hops ?? []),
      ...(exchange?.back?.hops ?? []),
    ]);
    const words = { sentences: text.sentences, everyAddress: text.words.everyAddress };
    for (const { text: rule, origin } of missedOnTheWay(hops, context)) {
      said.push(remarks.ruleMissing(rule, explainOrigin(origin, context.ownership.names, words)));
    }
  }
  const { end, hops } = direct.there;
  const first = hops[0]?.packet.source.ip;
  const isInside = from.container !== undefined && hops[0]?.namespace !== HOST;
  if (end.kind === 'left' && isInside && first?.equals(end.packet.source.ip)) {
    said.push(remarks.answerNeedsRoute(first.toString()));
  }
  const mtus = hops.flatMap((hop) => (hop.kind === 'routed' && hop.mtu !== undefined ? [hop] : []));
  const [own, ...others] = mtus;
  const narrow = others.find(({ mtu }) => own?.mtu !== undefined && mtu !== undefined && mtu < own.mtu);
  if (narrow?.mtu !== undefined && own?.mtu !== undefined && narrow.answer.kind === 'forward') {
    said.push(remarks.mtu(narrow.answer.output, narrow.mtu, own.mtu));
  }
  const { common } = plan;
  const host = snapshot.namespaces.get(HOST);
  const isIccOff = common?.bridge?.icc === false;
  if (works === true && isIccOff && host?.sysctls.bridgeCallsFirewall(4) === false) {
    said.push(remarks.bridgedUnfiltered(common.name));
  }
  return said;
}

/** The first thing on the way that could not be decided. */
function doubtOf({ there, back }: Exchange, { steps }: Catalogue): string | undefined {
  for (const { hops, end } of [there, back].filter((leg) => leg !== undefined)) {
    for (const hop of hops) {
      const [doubt] = hop.kind === 'asked' ? hop.doubts : [];
      if (doubt !== undefined) return steps.doubt(doubt.rule.text, doubt.because);
    }
    if (end.kind === 'unknown') return end.because;
  }
  return undefined;
}
