/** Why a packet got no further: in words, whose doing it is, and what would change it. Pure. */

import { hostPort } from '../../../base/ip.ts';
import type { ExplainOwner, WhyCause } from '../../../base/wire/index.ts';
import type { SentenceKey } from '../../../network/firewall/index.ts';
import type { Side } from '../../packet/packet.ts';
import type { Rule } from '../../packet/rulebook.ts';
import { HOST } from '../../packet/snapshot.ts';
import type { Cause, End } from '../../packet/walk/hops.ts';
import { explainRule } from '../describe.ts';
import { containerOf, placeText, type WhyContext } from './context.ts';
import { noCommonNetwork } from './obstacle-causes.ts';
import { closedNetwork } from './obstacles.ts';
import { containerOwner } from './owners.ts';
import { networkOwner } from './parties.ts';
import { allowIn, enterNetwork, joinNetwork, publish, removeRule } from './remedies.ts';
import { nobodyThere, noRoute } from './route-causes.ts';
import { sideText } from './steps.ts';

/** Kinds of the engine's own rules by what they say about a network. */
const INTERNAL: readonly SentenceKey[] = ['internal-in', 'internal-out'];
const APART: readonly SentenceKey[] = ['isolation-to', 'isolation-from'];
const DIRECT: readonly SentenceKey[] = ['direct-drop', 'routed-drop', 'unpublished-drop'];

export function stoppedCause(end: Extract<End, { kind: 'stopped' }>, context: WhyContext): WhyCause {
  const { cause, namespace } = end;
  const { text, ownership } = context;
  const { causes, words } = text;
  const where = placeText(context, namespace);
  const container = containerOf(context, namespace);
  const here: ExplainOwner =
    container === undefined ? { kind: 'host', text: words.host } : containerOwner(container, context);
  const enter = enterNetwork(container);
  const make = (kind: string, said: string, owner: ExplainOwner, ...remedies: string[]): WhyCause => ({
    kind,
    text: said,
    owner,
    remedies,
  });
  switch (cause.kind) {
    case 'rule':
      return ruleCause(cause, end, context);
    case 'policy': {
      const owner = ownership.ownerOfChain(cause.chain);
      const { chain, hook } = cause;
      return make(
        'policy',
        causes.policy(chain.name, owner.text, container && words.container(container.name)),
        owner,
        ...allowIn(owner.program, { hook, policyOf: chain }, allowed(end)).map(
          (command) => `${enter}${command}`,
        ),
      );
    }
    case 'no-route':
      return noRoute(cause, where, here, end, context);
    case 'refused-route':
      return make(
        'refused-route',
        causes.refusedRoute(where, `${cause.destination}`, cause.type),
        here,
        `${enter}ip route get ${cause.destination}`,
      );
    case 'forwarding-off': {
      const setting = cause.family === 4 ? 'net.ipv4.ip_forward' : 'net.ipv6.conf.all.forwarding';
      const owner: ExplainOwner = { kind: 'host', text: words.setting(setting) };
      return make('forwarding-off', causes.forwardingOff(setting), owner, `sysctl -w ${setting}=1`);
    }
    case 'reverse-path': {
      const setting = `net.ipv4.conf.${cause.link}.rp_filter`;
      const owner: ExplainOwner = { kind: 'host', text: words.setting(setting) };
      return make(
        'reverse-path',
        causes.reversePath(cause.link, `${cause.source}`, cause.back),
        owner,
        `sysctl -w net.ipv4.conf.all.rp_filter=2 ${setting}=2`,
      );
    }
    case 'loopback-outside':
      return make('loopback-outside', causes.loopbackOutside(`${cause.address}`, cause.link), here);
    case 'own-source':
      return make('own-source', causes.ownSource(`${cause.address}`, cause.link), here);
    case 'link-down':
    case 'no-carrier': {
      const said = cause.kind === 'link-down' ? causes.linkDown : causes.noCarrier;
      const owner: ExplainOwner = { ...here, text: words.interface(cause.link) };
      return make(cause.kind, said(cause.link, where), owner, `${enter}ip link set ${cause.link} up`);
    }
    case 'port-blocked':
      return make(
        'port-blocked',
        causes.portBlocked(cause.link, `${cause.state}`),
        here,
        `bridge link set dev ${cause.link} state 3`,
      );
    case 'nobody-there':
      return (
        nobodyThere(cause, namespace, context) ??
        make('nobody-there', causes.nobodyThere(`${cause.address}`, cause.link), here)
      );
    case 'hairpin-off':
      return make(
        'hairpin-off',
        causes.hairpinOff(cause.link),
        here,
        `bridge link set dev ${cause.link} hairpin on`,
      );
    case 'ports-isolated':
      return make(
        'ports-isolated',
        causes.portsIsolated(cause.link),
        here,
        `bridge link set dev ${cause.link} isolated off`,
      );
    case 'no-socket':
    case 'other-address':
      return socketCause(cause, end, context);
    case 'answer-from-elsewhere':
      return make(
        'answer-from-elsewhere',
        causes.answerFromElsewhere(`${cause.from}`, `${cause.expected}`),
        here,
      );
    case 'answer-to-elsewhere':
      return make('answer-to-elsewhere', causes.answerToElsewhere(placeText(context, cause.at)), here);
  }
}

function ruleCause(cause: Extract<Cause, { kind: 'rule' }>, end: End, context: WhyContext): WhyCause {
  const { text, ownership, from, to } = context;
  const { rule, hook, outcome } = cause;
  const owner = ownership.ownerOf(rule);
  const explained = explainRule(rule, ownership, text);
  const origin = ownership.originOf(rule);
  const network = owner.network?.name ?? '';
  const withRule = (kind: string, said: string, ...remedies: string[]): WhyCause => ({
    kind,
    text: said,
    owner,
    rule: explained,
    remedies,
  });
  const key = origin?.key;
  if (key === 'icc-drop') {
    return withRule(
      'icc-off',
      text.causes.iccOff(network),
      'docker network create NETWORK',
      joinNetwork('NETWORK', from.container, context.records),
      joinNetwork('NETWORK', to.container, context.records),
    );
  }
  const inside = from.container ?? to.container;
  // A rule of another engine's may be of a kind that is not known, and its container is shut in all the same.
  const closed = inside && closedNetwork(networkOwner(inside, context.records), context.records);
  const shut =
    key === undefined
      ? owner.kind === 'engine' && closed?.name
      : INTERNAL.includes(key) && (network || closed?.name);
  if (shut) {
    return withRule(
      'internal-network',
      text.causes.internalNetwork(shut),
      joinNetwork('bridge', inside, context.records),
    );
  }
  if (
    key !== undefined &&
    APART.includes(key) &&
    from.container !== undefined &&
    to.container !== undefined
  ) {
    return { ...noCommonNetwork(context), rule: explained };
  }
  if (key !== undefined && DIRECT.includes(key)) {
    const container = to.container?.name ?? '';
    const { protocol, destination } = end.packet;
    if (from.container !== undefined) return { ...noCommonNetwork(context), rule: explained };
    return withRule(
      'direct-access',
      text.causes.directAccess(container),
      // A ping has no port to publish; networks whose containers are routed to answer it.
      protocol === 'icmp'
        ? 'docker network create -o com.docker.network.bridge.gateway_mode_ipv4=routed NETWORK'
        : publish(destination.port, destination.port, protocol, to.container?.image ?? 'IMAGE'),
      ...(protocol === 'icmp' ? [joinNetwork('NETWORK', to.container, context.records)] : []),
    );
  }
  const place = containerOf(context, end.namespace);
  const remedies =
    owner.kind === 'engine' ? [removeRule(rule)] : allowIn(owner.program, { hook, rule }, allowed(end));
  return withRule(
    'rule',
    text.causes.rule(rule.text, owner.text, outcome, place && text.words.container(place.name)),
    ...remedies.map((command) => `${enterNetwork(place)}${command}`),
  );
}

function allowed({ packet }: End) {
  return {
    protocol: packet.protocol,
    destination: packet.destination.ip.toString(),
    port: packet.destination.port,
    ...(packet.output === undefined ? {} : { bridge: packet.output }),
  };
}

/** A rule that gives a packet another destination than the engine would. */
export function elsewhereCause(rule: Rule, to: Side, context: WhyContext): WhyCause {
  const { text, ownership } = context;
  const owner = ownership.ownerOf(rule);
  return {
    kind: 'sent-elsewhere',
    text: text.causes.sentElsewhere(rule.text, owner.text, sideText(to)),
    owner,
    rule: explainRule(rule, ownership, text),
    remedies: [removeRule(rule)],
  };
}

function socketCause(
  cause: Extract<Cause, { kind: 'no-socket' | 'other-address' }>,
  { namespace, packet }: End,
  context: WhyContext,
): WhyCause {
  const { text, plan, settings } = context;
  const { causes, words } = text;
  const container = containerOf(context, namespace);
  const service = `${cause.port}/${packet.protocol}`;
  const where = placeText(context, namespace);
  const { published } = plan;
  const isPublished = published !== undefined && packet.destination.port === plan.destination?.port;
  if (namespace === HOST && isPublished) {
    const { mapping } = published;
    return {
      kind: 'proxy-gone',
      text: causes.proxyGone(service),
      owner: {
        kind: 'engine',
        program: settings.engine,
        port: `${hostPort(mapping.hostIp, mapping.hostPort)} → ${mapping.containerPort}/${mapping.proto}`,
        text: settings.engine,
      },
      remedies: [settings.engine === 'Docker' ? 'systemctl restart docker' : 'systemctl restart bridgeport'],
    };
  }
  const owner: ExplainOwner =
    container === undefined
      ? { kind: 'host', text: words.host }
      : { ...containerOwner(container, context), text: words.service(container.name) };
  if (cause.kind === 'other-address') {
    const addresses = [...new Set(cause.sockets.map(({ address }) => address))].join(', ');
    return {
      kind: 'other-address',
      text: causes.otherAddress(where, service, addresses),
      owner,
      remedies: container === undefined ? ['ss -tulnp'] : [`docker exec ${container.name} netstat -tuln`],
    };
  }
  return {
    kind: 'no-socket',
    text: causes.noSocket(where, service),
    owner,
    remedies:
      container === undefined
        ? ['ss -tulnp']
        : [`docker logs ${container.name}`, `docker restart ${container.name}`],
  };
}
