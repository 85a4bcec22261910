/** Why nothing gets through, where it is known without a packet: in words, whose doing it is, and what would change it. Pure. */

import { hostPort } from '../../../base/ip.ts';
import type { WhyCause } from '../../../base/wire/index.ts';
import { explainOrigin } from '../../../network/firewall/index.ts';
import type { TopologyContainer } from '../../topology/records.ts';
import { LOSSES } from '../losses.ts';
import type { ExpectedRule } from '../ownership.ts';
import { partyText, type WhyContext } from './context.ts';
import { nameCause } from './name-causes.ts';
import type { Obstacle, Paused } from './obstacles.ts';
import { containerOwner, networkOwned } from './owners.ts';
import { endpointsOf, networkOwner } from './parties.ts';
import { joinNetwork, publish, restoreRule } from './remedies.ts';

export function obstacleCause(obstacle: Obstacle, context: WhyContext): WhyCause {
  const { text } = context;
  const { causes } = text;
  switch (obstacle.kind) {
    case 'not-running': {
      const { container } = obstacle;
      return {
        kind: 'not-running',
        text: causes.notRunning(container.name, container.state),
        owner: containerOwner(container, context),
        remedies: [`docker ${container.state === 'restarting' ? 'logs' : 'start'} ${container.name}`],
      };
    }
    case 'name':
      return nameCause(obstacle.name, obstacle.fault, context);
    case 'internal-network': {
      const { container, network } = obstacle;
      return {
        kind: 'internal-network',
        text: causes.internalNetwork(network.name),
        owner: networkOwned(network, context),
        remedies: [joinNetwork('bridge', container, context.records)],
      };
    }
    case 'own-parent': {
      const { container, network } = obstacle;
      const device = network.parent?.device ?? '';
      return {
        kind: 'own-parent',
        text: causes.ownParent(device, network.driver, container.name),
        owner: networkOwned(network, context),
        remedies: [joinNetwork('bridge', container, context.records)],
      };
    }
    case 'empty-network': {
      const { network } = obstacle;
      return {
        kind: 'empty-network',
        text: causes.emptyNetwork(network.name),
        owner: networkOwned(network, context),
        remedies: [joinNetwork(network.name, undefined, context.records)],
      };
    }
    case 'no-family': {
      const { who, family } = obstacle;
      const owner = who.container && networkOwner(who.container, context.records);
      if (owner !== undefined && endpointsOf(owner).length === 0) return noNetwork(owner, context);
      const name = partyText(who, text);
      const container = who.container;
      return {
        kind: 'no-family',
        text: causes.noFamily(name, family),
        owner: container === undefined ? { kind: 'host', text: name } : containerOwner(container, context),
        remedies: [
          ...(family === 6 ? ['docker network create --ipv6 NETWORK'] : []),
          joinNetwork('NETWORK', container, context.records),
        ],
      };
    }
    case 'no-common-network':
      return noCommonNetwork(context);
    case 'not-published': {
      const { container, port } = obstacle;
      return {
        kind: 'not-published',
        text: causes.notPublished(container.name, `${port}/${context.plan.protocol}`),
        owner: containerOwner(container, context),
        remedies: [publish(port, port, context.plan.protocol, container.image)],
      };
    }
    case 'published-on-loopback': {
      const { container, mapping } = obstacle.published;
      const { hostPort: port, containerPort, proto } = mapping;
      return {
        kind: 'published-on-loopback',
        text: causes.publishedOnLoopback(`${hostPort(mapping.hostIp, port)} → ${containerPort}/${proto}`),
        owner: { ...containerOwner(container, context), port: `${containerPort}/${proto}` },
        remedies: [publish(port, containerPort, proto, container.image)],
      };
    }
  }
}

/** On `none`, or taken off every network. */
export function noNetwork(container: TopologyContainer, context: WhyContext): WhyCause {
  return {
    kind: 'no-network',
    text: context.text.causes.noNetwork(container.name),
    owner: containerOwner(container, context),
    remedies: [joinNetwork('NETWORK', container, context.records)],
  };
}

export function pausedCause({ container, asks }: Paused, context: WhyContext): WhyCause {
  const { causes } = context.text;
  return {
    kind: 'paused',
    text: asks ? causes.pausedAsker(container.name) : causes.paused(container.name, context.plan.protocol),
    owner: containerOwner(container, context),
    remedies: [`docker unpause ${container.name}`],
  };
}

export function noCommonNetwork(context: WhyContext): WhyCause {
  const { text, from, to, records } = context;
  const asked = to.container && networkOwner(to.container, records);
  const network = records.networks().find(({ id }) => asked?.networkIds.includes(id));
  return {
    kind: 'no-common-network',
    text: text.causes.noCommonNetwork(partyText(from, text), partyText(to, text)),
    owner: {
      kind: 'network',
      ...(network === undefined ? {} : { network: { id: network.id, name: network.name } }),
      text: text.words.network(network?.name ?? ''),
    },
    remedies: [joinNetwork(network?.name ?? 'NETWORK', from.container, records)],
  };
}

export function missingCause(rule: ExpectedRule, context: WhyContext): WhyCause {
  const { text, ownership, settings } = context;
  const words = { sentences: text.sentences, everyAddress: text.words.everyAddress };
  const why = explainOrigin(rule.origin, ownership.names, words);
  return {
    kind: 'rule-missing',
    text: `${text.causes.ruleMissing(rule.text, why)} ${text.without[LOSSES[rule.origin.key]]}`,
    owner: ownership.ofOrigin(rule.origin),
    remedies: [restoreRule(rule, settings.firewall === 'nftables' ? 'nftables' : 'iptables')],
  };
}

/** A route of the host's that leads away from where the container is. */
export function routeElsewhere(address: string, link: string, route: string, { text }: WhyContext): WhyCause {
  return {
    kind: 'route-elsewhere',
    text: text.causes.routeElsewhere(address, link, `${route} dev ${link}`),
    owner: { kind: 'host', text: text.words.interface(link) },
    remedies: [`ip route del ${route} dev ${link}`, 'docker network create --subnet SUBNET NETWORK'],
  };
}
