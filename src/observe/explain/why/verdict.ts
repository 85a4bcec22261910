/** Whether it works, and the one thing that stands in the way. Pure. */

import type { WhyCause } from '../../../base/wire/index.ts';
import type { Ternary } from '../../packet/condition.ts';
import { HOST } from '../../packet/snapshot.ts';
import type { Exchange } from '../../packet/walk/exchange.ts';
import { containerOf, type WhyContext } from './context.ts';
import { missedOnTheWay } from './missing.ts';
import { missingCause, obstacleCause, pausedCause, routeElsewhere } from './obstacle-causes.ts';
import { endpointsOf } from './parties.ts';
import { bridgeGone, detachedVeth, noWayCause } from './route-causes.ts';
import { elsewhereCause, stoppedCause } from './stopped-causes.ts';
import type { Walked } from './walked.ts';

export function bothWork(direct: Exchange | undefined, proxied: Exchange | undefined): Ternary {
  if (direct === undefined) return false;
  if (direct.works !== true || proxied === undefined) return direct.works;
  return proxied.works;
}

/** The one thing that is to be changed; undefined when it works, or when nobody can tell. */
export function causeOf(walked: Walked, context: WhyContext): WhyCause | undefined {
  const { paused } = context.plan;
  // What gets to a paused container waits there for ever; where something else stops it first, that has to go first.
  return standsInTheWay(walked, context) ?? (paused && pausedCause(paused, context));
}

function standsInTheWay({ direct, proxied }: Walked, context: WhyContext): WhyCause | undefined {
  const { plan, from } = context;
  const { obstacle } = plan;
  if (obstacle !== undefined && (direct === undefined || obstacle.kind !== 'no-common-network')) {
    // A packet that gets there all the same knows better: another engine's rules, a route of somebody's.
    if (direct?.works !== true || !arrivesAt(direct, plan.target)) return obstacleCause(obstacle, context);
  }
  if (direct === undefined) return noWayCause(context);
  const strayed = strayedRoute(direct, proxied, context);
  if (strayed !== undefined) return strayed;
  const elsewhere = proxied === undefined ? sentElsewhere(direct, context) : undefined;
  if (elsewhere !== undefined) return elsewhere;
  const failed = [direct, proxied].find((exchange) => exchange !== undefined && exchange.works === false);
  if (failed === undefined) {
    return from.container !== undefined && leavesUntranslated(direct) ? missing(direct, context) : undefined;
  }
  const { there, back } = failed;
  const detached = detachedOnTheWay(failed, context);
  if (detached !== undefined) return detached;
  const gone = isForeign(failed, context) ? undefined : missing(failed, context);
  if (gone !== undefined) return gone;
  if (obstacle !== undefined) return obstacleCause(obstacle, context);
  if (there.end.kind === 'stopped') return stoppedCause(there.end, context);
  if (back?.end.kind !== 'stopped') return undefined;
  const cause = stoppedCause(back.end, context);
  return { ...cause, text: context.text.causes.inAnswer(cause.text) };
}

function arrivesAt({ there }: Exchange, target: string | undefined): boolean {
  return target === undefined || there.end.namespace === target;
}

function missing({ there, back }: Exchange, context: WhyContext): WhyCause | undefined {
  const [rule] = missedOnTheWay([...there.hops, ...(back?.hops ?? [])], context);
  return rule && missingCause(rule, context);
}

/** Somebody else's rule stopped it: whatever is missing besides is not the reason. */
function isForeign({ there, back }: Exchange, { ownership }: WhyContext): boolean {
  const { end } = there.end.kind === 'stopped' ? there : (back ?? there);
  if (end.kind !== 'stopped') return false;
  const { cause } = end;
  if (cause.kind === 'rule') return ownership.originOf(cause.rule) === undefined;
  const about = [
    'forwarding-off',
    'reverse-path',
    'link-down',
    'no-carrier',
    'route-elsewhere',
    'refused-route',
  ];
  return about.includes(cause.kind);
}

/** It came to the host by a pair whose end should be a port of a bridge. */
function detachedOnTheWay({ there, back }: Exchange, context: WhyContext): WhyCause | undefined {
  for (const hop of [...there.hops, ...(back?.hops ?? [])]) {
    if (hop.kind !== 'wire' || hop.to.namespace !== HOST) continue;
    const container = containerOf(context, hop.namespace);
    const cause = container && detachedVeth(container, context, hop.to.link);
    if (cause !== undefined) return cause;
  }
  return undefined;
}

/** Somebody else's rule gave it another destination, and it did not get to whom it was for. */
function sentElsewhere(direct: Exchange, context: WhyContext): WhyCause | undefined {
  const { hops, end } = direct.there;
  const { target } = context.plan;
  if (target === undefined || (end.namespace === target && end.kind === 'delivered')) return undefined;
  const container = containerOf(context, target);
  const own = (container === undefined ? [] : endpointsOf(container)).flatMap(({ v4, v6 }) => [
    v4?.address,
    v6?.address,
  ]);
  for (const hop of hops) {
    if (hop.kind !== 'asked') continue;
    for (const { rule, translated } of hop.hits) {
      if (translated?.what !== 'destination' || own.includes(translated.to.ip.toString())) continue;
      if (context.ownership.ownerOf(rule).kind !== 'engine')
        return elsewhereCause(rule, translated.to, context);
    }
  }
  return undefined;
}

/** It left the host although it was for a container: a route goes before that of the bridge. */
function strayedRoute(
  direct: Exchange,
  proxied: Exchange | undefined,
  context: WhyContext,
): WhyCause | undefined {
  const { records } = context;
  const bridges = new Map(records.networks().map(({ id, bridge }) => [id, bridge?.name]));
  const addresses = new Map(
    records
      .containers()
      .flatMap((container) =>
        endpointsOf(container).flatMap(({ v4, v6, networkId }) =>
          [v4?.address, v6?.address].flatMap(
            (address): Array<[string, string | undefined]> =>
              address === undefined ? [] : [[address, bridges.get(networkId)]],
          ),
        ),
      ),
  );
  for (const { there, back } of [direct, proxied].filter((exchange) => exchange !== undefined)) {
    for (const hop of [...there.hops, ...(back?.hops ?? [])]) {
      if (hop.kind !== 'routed' || hop.namespace !== HOST || hop.answer.kind !== 'forward') continue;
      const address = hop.packet.destination.ip.toString();
      const bridge = addresses.get(address);
      const { output, route } = hop.answer;
      if (bridge === undefined || bridge === output) continue;
      const network = records.networks().find((one) => one.bridge?.name === bridge);
      const gone = network && bridgeGone(network, context);
      return gone ?? routeElsewhere(address, output, route.destination, context);
    }
  }
  return undefined;
}

/** With the container's own address into the world, which cannot answer it. */
function leavesUntranslated({ there }: Exchange): boolean {
  const { end, hops } = there;
  return end.kind === 'left' && hops[0]?.packet.source.ip.equals(end.packet.source.ip) === true;
}
