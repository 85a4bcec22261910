/** The hops of a walk as steps for people. Pure. */

import { hostPort } from '../../../base/ip.ts';
import type { WhyRule, WhyStep } from '../../../base/wire/index.ts';
import { explainOrigin } from '../../../network/firewall/index.ts';
import type { Hit } from '../../packet/evaluate.ts';
import type { Packet, Side } from '../../packet/packet.ts';
import type { Verdict } from '../../packet/rulebook.ts';
import { HOST } from '../../packet/snapshot.ts';
import type { Leg } from '../../packet/walk/exchange.ts';
import type { Hop } from '../../packet/walk/hops.ts';
import { describeRule } from '../describe.ts';
import { placeText, type WhyContext, whereOf } from './context.ts';

/** All steps of one direction; the last one says where it ended, and `stopped` in what words. */
export function stepsOf({ hops, end }: Leg, context: WhyContext, stopped: string | undefined): WhyStep[] {
  const steps = hops.flatMap((hop) => stepsOfHop(hop, context));
  if (end.kind === 'stopped' || end.kind === 'unknown') {
    steps.push({
      kind: 'stopped',
      ...placeOf(end.namespace, context),
      text: stopped ?? (end.kind === 'unknown' ? end.because : end.cause.kind),
      packet: packetText(end.packet),
      ok: end.kind === 'stopped' ? false : null,
    });
  }
  return steps;
}

function stepsOfHop(hop: Hop, context: WhyContext): WhyStep[] {
  const { steps } = context.text;
  const common = { ...placeOf(hop.namespace, context), packet: packetText(hop.packet), ok: true };
  switch (hop.kind) {
    case 'sent':
      return [{ ...common, kind: 'sent', text: steps.sent(placeText(context, hop.namespace)) }];
    case 'entered':
      return [{ ...common, kind: 'entered', text: steps.entered(hop.link), link: hop.link }];
    case 'routed': {
      const { answer, mtu } = hop;
      if (answer.kind !== 'forward') return [{ ...common, kind: 'route', text: steps.routeLocal() }];
      const text = steps.route(answer.output, answer.route.gateway, answer.route.destination);
      return [{ ...common, kind: 'route', text, link: answer.output, ...(mtu === undefined ? {} : { mtu }) }];
    }
    case 'asked':
      return askedSteps(hop, common, context);
    case 'translated-back': {
      const { from, to } = hop.change;
      return [{ ...common, kind: 'translated', text: steps.back(sideText(from), sideText(to)) }];
    }
    case 'wire':
      return [
        {
          ...common,
          kind: 'wire',
          text: steps.wire(hop.link, placeText(context, hop.to.namespace), hop.to.link),
          link: hop.link,
        },
      ];
    case 'bridged': {
      const text =
        hop.output === undefined ? steps.bridgeUp(hop.bridge) : steps.bridge(hop.bridge, hop.output);
      return [{ ...common, kind: 'bridge', text, link: hop.bridge }];
    }
    case 'arrived': {
      const { socket, packet, namespace } = hop;
      const text =
        packet.direction === 'reply'
          ? steps.answerArrives()
          : socket === undefined
            ? steps.kernelAnswers()
            : steps.socket(hostPort(socket.address, socket.port), context.programOf(namespace, socket.inode));
      return [{ ...common, kind: 'arrived', text }];
    }
    case 'left':
      return [{ ...common, kind: 'left', text: steps.left(hop.link), link: hop.link }];
  }
}

type AskedHop = Extract<Hop, { kind: 'asked' }>;

/** Nothing is said of hooks where nothing matches, but for FORWARD, where silence says something too. */
function askedSteps(hop: AskedHop, common: Omit<WhyStep, 'kind' | 'text'>, context: WhyContext): WhyStep[] {
  const { steps } = context.text;
  const { hits, doubts, outcome, hook, bridged } = hop;
  const doubtful = doubts.map(
    ({ rule, because }): WhyStep => ({
      ...common,
      kind: 'rules',
      ok: null,
      text: steps.doubt(rule.text, because),
    }),
  );
  if (hits.length === 0) {
    if (hook !== 'forward') return doubtful;
    return [
      { ...common, kind: 'rules', ok: outcome === 'accept', text: steps.noRules(hook.toUpperCase()) },
      ...doubtful,
    ];
  }
  const rules: WhyStep = {
    ...common,
    kind: 'rules',
    ok: outcome === 'accept',
    text: steps.rules(hook.toUpperCase(), hits.length, bridged),
    rules: hits.map((hit) => whyRule(hit, context)),
  };
  const translated = hits.flatMap(({ translated }): WhyStep[] => {
    if (translated === undefined) return [];
    const { what, from, to } = translated;
    const say = what === 'destination' ? steps.destination : steps.source;
    return [{ ...common, kind: 'translated', text: say(sideText(from), sideText(to)) }];
  });
  return [rules, ...translated, ...doubtful];
}

function whyRule({ rule, verdict, translated }: Hit, { ownership, text }: WhyContext): WhyRule {
  const origin = ownership.originOf(rule);
  const words = { sentences: text.sentences, everyAddress: text.words.everyAddress };
  const said = verdictText(verdict) ?? (translated && `${translated.what} ${sideText(translated.to)}`);
  return {
    id: rule.id,
    text: rule.text,
    owner: ownership.ownerOf(rule),
    sentence: origin === undefined ? describeRule(rule, text) : explainOrigin(origin, ownership.names, words),
    ...(said === undefined ? {} : { verdict: said }),
  };
}

function verdictText(verdict: Verdict | undefined): string | undefined {
  if (verdict === undefined) return undefined;
  return 'chain' in verdict ? `${verdict.kind} ${verdict.chain}` : verdict.kind;
}

function placeOf(namespace: string, context: WhyContext): Pick<WhyStep, 'where' | 'containerId'> {
  return {
    where: whereOf(context, namespace),
    ...(namespace === HOST ? {} : { containerId: namespace }),
  };
}

/** `172.17.0.2:45678 → 172.17.0.3:80`. */
export function packetText({ source, destination }: Packet): string {
  return `${sideText(source)} → ${sideText(destination)}`;
}

/** An address with its port; ping has none. */
export function sideText({ ip, port }: Side): string {
  return port === 0 ? ip.toString() : hostPort(ip, port);
}
