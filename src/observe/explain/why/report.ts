/** What `why` answers: the headline, the cause, the remarks, and every step of the way. Pure. */

import { Ip } from '../../../base/ip.ts';
import type { ExplainLanguage, WhyLeg, WhyParty, WhyReport, WhyStep } from '../../../base/wire/index.ts';
import { HOST } from '../../packet/snapshot.ts';
import type { Exchange, Leg } from '../../packet/walk/exchange.ts';
import type { Catalogue } from '../text/index.ts';
import type { Considered } from './consider.ts';
import { partyText, type WhyContext } from './context.ts';
import { nameSteps } from './names.ts';
import type { Paused } from './obstacles.ts';
import { knowsName, networkOwner, type Party } from './parties.ts';
import { remarksOf } from './remarks.ts';
import { sideText, stepsOf } from './steps.ts';
import { stoppedCause } from './stopped-causes.ts';
import type { Walked } from './walked.ts';

export function reportOf(
  { walked, context, works, cause }: Considered,
  language: ExplainLanguage,
): WhyReport {
  const { from, to, plan, text } = context;
  const { direct } = walked;
  const port = plan.protocol === 'icmp' ? undefined : (plan.chosenPort ?? servicePort(context));
  const what = port === undefined ? plan.protocol : `${plan.protocol}/${port}`;
  const say = works === undefined ? text.headline.unknown : works ? text.headline.yes : text.headline.no;
  return {
    language,
    from: viewOf(from, direct && firstSource(direct)),
    to: viewOf(to, plan.destination?.ip.toString()),
    protocol: plan.protocol,
    ...(port === undefined ? {} : { port }),
    answer: works === undefined ? 'unknown' : works ? 'yes' : 'no',
    headline: say(partyText(from, text), partyText(to, text), what),
    ...(cause === undefined ? {} : { cause }),
    remarks: remarksOf(walked, context, works, cause),
    legs: legsOf(walked, context, cause?.kind === 'paused' ? plan.paused : undefined),
  };
}

function servicePort({ plan, to }: WhyContext): number | undefined {
  const { destination, published } = plan;
  if (destination === undefined) return to.port;
  // Of a container that was asked for by its own port, and is reached by a port of the host.
  if (published === undefined || to.view.kind === 'host' || to.ip !== undefined) return destination.port;
  return published.mapping.containerPort + destination.port - published.mapping.hostPort;
}

function viewOf({ view }: Party, address: string | undefined): WhyParty {
  return address === undefined ? view : { ...view, address };
}

function firstSource({ there }: Exchange): string | undefined {
  return there.hops[0]?.packet.source.ip.toString();
}

/** @param paused a container that keeps what gets there from being answered, or from being sent at all */
function legsOf({ direct, proxied }: Walked, context: WhyContext, paused: Paused | undefined): WhyLeg[] {
  const { text, from, to, plan } = context;
  const [asker, asked] = [partyText(from, text), partyText(to, text)];
  const legs: WhyLeg[] = [];
  const add = (direction: WhyLeg['direction'], title: string, leg: Leg | undefined) => {
    if (leg === undefined) return;
    const stopped = leg.end.kind === 'stopped' ? stoppedCause(leg.end, context).text : undefined;
    legs.push({ direction, title, steps: stepsOf(leg, context, stopped) });
  };
  add('there', text.legs.there(asker, asked), direct?.there);
  if (proxied !== undefined && plan.published !== undefined) {
    const target = sideText({
      ip: Ip.parse(plan.published.mapping.containerIp),
      port: proxied.there.hops[0]?.packet.destination.port ?? 0,
    });
    legs.at(-1)?.steps.push({ kind: 'proxy', where: HOST, text: text.steps.proxy(target), ok: true });
    add('there', text.legs.proxied(text.words.container(plan.published.container.name)), proxied.there);
    add(
      'back',
      text.legs.back(text.words.container(plan.published.container.name), text.words.host),
      proxied.back,
    );
  }
  add('back', text.legs.back(proxied === undefined ? asked : text.words.host, asker), direct?.back);
  return withName(paused === undefined ? legs : withPause(legs, paused, text), context);
}

/** A step for those who do not run: it ends with them, or would begin. */
function withPause(legs: readonly WhyLeg[], { container, asks }: Paused, { steps }: Catalogue): WhyLeg[] {
  const step: WhyStep = {
    kind: 'stopped',
    where: container.name,
    containerId: container.id,
    text: asks ? steps.pausedAsker() : steps.pausedTarget(),
    ok: false,
  };
  if (asks) return legs.map((leg, index) => (index === 0 ? { ...leg, steps: [step, ...leg.steps] } : leg));
  const there = legs.filter(({ direction }) => direction === 'there');
  return there.map((leg) => (leg === there.at(-1) ? { ...leg, steps: [...leg.steps, step] } : leg));
}

/** How the asker comes by the address: a leg of its own where there is none to go to. */
function withName(legs: WhyLeg[], context: WhyContext): WhyLeg[] {
  const { text, from, to } = context;
  const named = [...nameSteps(to, from, text), ...addressSteps(context)];
  const [first, ...rest] = legs;
  if (named.length === 0) return legs;
  if (first !== undefined) return [{ ...first, steps: [...named, ...first.steps] }, ...rest];
  const title = text.legs.there(partyText(from, text), partyText(to, text));
  return to.name === undefined ? legs : [{ direction: 'there', title, steps: named }];
}

/** The address that is taken, unless a name server just said it. */
function addressSteps({ text, from, to, plan, records }: WhyContext): WhyStep[] {
  const { common } = plan;
  if (plan.destination === undefined) return [];
  const address = plan.destination.ip.toString();
  const wasSaid = to.name?.resolution?.addresses.length === 1;
  if (wasSaid || (from.container === undefined && to.name === undefined)) return [];
  const isNamed =
    to.container !== undefined &&
    from.container !== undefined &&
    to.view.kind === 'container' &&
    common !== undefined &&
    knowsName(networkOwner(from.container, records), to.container, to.view.asked);
  const said = isNamed
    ? text.steps.name(to.view.asked, address, common.name)
    : text.steps.nameByHand(address);
  const where =
    from.container === undefined
      ? { where: HOST }
      : { where: from.container.name, containerId: from.container.id };
  return [{ kind: 'name', ...where, text: said, ok: true }];
}
