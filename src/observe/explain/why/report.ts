/** `GET /bridgeport/why`: whether one reaches another, the way of the packet and of the answer, and what stands in the way. */

import { invalid } from '../../../base/errors.ts';
import { Ip } from '../../../base/ip.ts';
import type { ExplainLanguage, WhyCause, WhyLeg, WhyParty, WhyReport } from '../../../base/wire/index.ts';
import type { Ternary } from '../../packet/condition.ts';
import { HOST, type HostSnapshot } from '../../packet/snapshot.ts';
import { type Exchange, type ExchangeQuestion, exchange, type Leg } from '../../packet/walk/exchange.ts';
import type { SnapshotReader } from '../../snapshot/read.ts';
import { missingRules, Ownership } from '../ownership.ts';
import type { ExplainRecords, ExplainSettings } from '../records.ts';
import { CATALOGUES } from '../text/index.ts';
import { missingCause, obstacleCause, routeElsewhere, stoppedCause } from './causes.ts';
import { partyText, type WhyContext } from './context.ts';
import { missedOnTheWay } from './missing.ts';
import {
  endpointsOf,
  knowsName,
  namespaceOf,
  networkOwner,
  type Party,
  readParty,
  readService,
} from './parties.ts';
import { type Plan, planQuestion } from './plan.ts';
import { remarksOf } from './remarks.ts';
import { sideText, stepsOf } from './steps.ts';

export interface WhyQuestion {
  readonly from: string;
  readonly to: string;
  /** `tcp/80`, `udp/53`, `icmp`; empty: what the other end most likely serves. */
  readonly service?: string | undefined;
  readonly family?: 4 | 6 | undefined;
  readonly language: ExplainLanguage;
}

export interface WhyOptions {
  readonly records: ExplainRecords;
  readonly settings: ExplainSettings;
  /** Of the host and every container's namespace. */
  readonly reader: Pick<SnapshotReader, 'read'>;
  readonly programOf: WhyContext['programOf'];
}

/** The answer, and what it was made of: for the probe, which repeats it with a real packet. */
export interface WhyResult {
  readonly report: WhyReport;
  readonly plan: Plan;
  readonly exchange: Exchange | undefined;
  readonly snapshot: HostSnapshot;
}

/** Ways lead into namespaces that nobody has looked into yet; each reading adds at least one. */
const MAX_READINGS = 8;

/** @throws `not-found` for a name that nobody has, `invalid` for what is no service */
export async function why(
  question: WhyQuestion,
  { records, settings, reader, programOf }: WhyOptions,
): Promise<WhyResult> {
  const text = CATALOGUES[question.language];
  const from = readParty(question.from, records);
  const to = readParty(question.to, records, from);
  if (from.view.kind === 'world' && to.view.kind === 'world') {
    throw invalid('both ends are outside: name one that is on this host');
  }
  const service = readService(question.service);
  const whole = new Set([HOST]);
  for (const { container } of [from, to]) {
    const namespace = container && namespaceOf(container, records);
    if (namespace !== undefined) whole.add(namespace);
  }
  const snapshot = await reader.read(whole);
  const plan = planQuestion(from, to, service, { records, snapshot, family: question.family });
  const walked = await walk(plan, whole, snapshot, reader);
  const ownership = new Ownership(records, settings, text.words);
  const book = walked.snapshot.namespaces.get(HOST)?.firewall;
  const missing = book === undefined ? [] : missingRules(ownership, book);
  const context: WhyContext = {
    records,
    settings,
    snapshot: walked.snapshot,
    ownership,
    missing,
    text,
    from,
    to,
    plan,
    programOf,
  };
  const { direct: exchange } = walked;
  return { report: reportOf(walked, context, question.language), plan, exchange, snapshot: walked.snapshot };
}

interface Walked {
  readonly snapshot: HostSnapshot;
  /** Absent where no packet could be thought of. */
  readonly direct?: Exchange;
  /** What the userland proxy does when it has the connection. */
  readonly proxied?: Exchange;
}

async function walk(
  plan: Plan,
  whole: Set<string>,
  first: HostSnapshot,
  reader: WhyOptions['reader'],
): Promise<Walked> {
  let snapshot = first;
  const run = async (question: ExchangeQuestion): Promise<Exchange> => {
    for (let reading = 1; ; reading++) {
      const result = exchange(snapshot, question);
      const visited = [result.there, result.back].flatMap((leg) => (leg === undefined ? [] : visitedBy(leg)));
      const unread = visited.filter((id) => snapshot.namespaces.get(id)?.partial === true);
      if (unread.length === 0 || reading > MAX_READINGS) return result;
      for (const id of unread) whole.add(id);
      snapshot = await reader.read(whole);
    }
  };
  const { asker, destination, protocol, published } = plan;
  if (asker === undefined || destination === undefined) return { snapshot };
  const direct = await run({ asker, protocol, destination });
  const { end } = direct.there;
  // The proxy has it: whoever listens at a published port of the host forwards by a connection of its own.
  const isProxied = published !== undefined && end.kind === 'delivered' && end.namespace === HOST;
  if (!isProxied) return { snapshot, direct };
  const { mapping } = published;
  const port = mapping.containerPort + end.packet.destination.port - mapping.hostPort;
  const proxied = await run({
    asker: { kind: 'namespace', id: HOST },
    protocol,
    destination: { ip: Ip.parse(mapping.containerIp), port },
  });
  return { snapshot, direct, proxied };
}

function visitedBy({ hops, end }: Leg): string[] {
  return [
    end.namespace,
    ...hops.flatMap((hop) => [hop.namespace, ...(hop.kind === 'wire' ? [hop.to.namespace] : [])]),
  ];
}

function reportOf(walked: Walked, context: WhyContext, language: ExplainLanguage): WhyReport {
  const { from, to, plan, text } = context;
  const { direct, proxied } = walked;
  const cause = causeOf(walked, context);
  const works =
    cause === undefined ? bothWork(direct, proxied) : cause.kind === 'unknown' ? undefined : false;
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
    ...(cause === undefined || works === undefined ? {} : { cause }),
    remarks: remarksOf(walked, context, works),
    legs: legsOf(walked, context),
  };
}

function servicePort({ plan, to }: WhyContext): number | undefined {
  const { destination, published } = plan;
  if (destination === undefined) return to.port;
  // Of a container that was asked for by its own port, and is reached by a port of the host.
  if (published === undefined || to.view.kind === 'host' || to.view.kind === 'address')
    return destination.port;
  return published.mapping.containerPort + destination.port - published.mapping.hostPort;
}

function viewOf({ view }: Party, address: string | undefined): WhyParty {
  return address === undefined ? view : { ...view, address };
}

function firstSource({ there }: Exchange): string | undefined {
  return there.hops[0]?.packet.source.ip.toString();
}

function bothWork(direct: Exchange | undefined, proxied: Exchange | undefined): Ternary {
  if (direct === undefined) return false;
  if (direct.works !== true || proxied === undefined) return direct.works;
  return proxied.works;
}

/** The one thing that is to be changed; undefined when it works, or when nobody can tell. */
function causeOf({ direct, proxied }: Walked, context: WhyContext): WhyCause | undefined {
  const { plan, from } = context;
  const { obstacle } = plan;
  if (obstacle !== undefined && (direct === undefined || obstacle.kind !== 'no-common-network')) {
    // A packet that gets there all the same knows better: another engine's rules, a route of somebody's.
    // What gets to a paused container waits there for ever.
    const isFinal = obstacle.kind === 'paused';
    if (isFinal || direct?.works !== true || !arrivesAt(direct, plan.target))
      return obstacleCause(obstacle, context);
  }
  if (direct === undefined) return undefined;
  const strayed = strayedRoute(direct, proxied, context);
  if (strayed !== undefined) return strayed;
  const failed = [direct, proxied].find((exchange) => exchange !== undefined && exchange.works === false);
  if (failed === undefined) {
    return from.container !== undefined && leavesUntranslated(direct) ? missing(direct, context) : undefined;
  }
  const { there, back } = failed;
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
      if (bridge !== undefined && bridge !== output)
        return routeElsewhere(address, output, route.destination, context);
    }
  }
  return undefined;
}

/** With the container's own address into the world, which cannot answer it. */
function leavesUntranslated({ there }: Exchange): boolean {
  const { end, hops } = there;
  return end.kind === 'left' && hops[0]?.packet.source.ip.equals(end.packet.source.ip) === true;
}

function legsOf({ direct, proxied }: Walked, context: WhyContext): WhyLeg[] {
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
  return withName(legs, context);
}

/** How the asker comes by the address. */
function withName(legs: WhyLeg[], { text, from, to, plan, records }: WhyContext): WhyLeg[] {
  const [first, ...rest] = legs;
  if (first === undefined || plan.destination === undefined || from.container === undefined) return legs;
  const address = plan.destination.ip.toString();
  const { common } = plan;
  const isNamed =
    to.container !== undefined &&
    to.view.kind === 'container' &&
    common !== undefined &&
    knowsName(networkOwner(from.container, records), to.container, to.view.asked);
  const said = isNamed
    ? text.steps.name(to.view.asked, address, common.name)
    : text.steps.nameByHand(address);
  return [
    {
      ...first,
      steps: [
        { kind: 'name', where: from.container.name, containerId: from.container.id, text: said, ok: true },
        ...first.steps,
      ],
    },
    ...rest,
  ];
}
