/** Are bridges and veth pairs there, up, and of one size? Pure. */

import { shellCommand } from '../../../base/shell.ts';
import type { Link } from '../../../kernel/netlink/index.ts';
import { giveAddress, giveDefaultRoute, inside, recreate, remakeBridge, restart } from '../commands.ts';
import { type Check, type Finding, type FindingOf, ofContainer, ofNetwork } from '../finding.ts';
import type { Snapshot } from '../snapshot.ts';
import {
  type BridgedNetwork,
  bridged,
  hostGateways,
  liveBridge,
  type Member,
  members,
  wayOut,
  waysOut,
} from '../view.ts';

/** `BR_STATE_DISABLED 0`, `BR_STATE_BLOCKING 4` (linux/if_bridge.h) */
const BLOCKED_STATES = [0, 4];

export const bridgeDown: Check = {
  id: 'bridge-down',
  find(snapshot) {
    const { links } = snapshot.host();
    return bridged(snapshot).flatMap((network): Finding[] => {
      const { name } = network.bridge;
      const link = links.find((candidate) => candidate.name === name);
      if (link?.up) return [];
      const gone = link === undefined;
      return [
        {
          check: 'bridge-down',
          severity: 'error',
          owner: ofNetwork(network),
          facts: { bridge: name, gone },
          evidence: [gone ? `ip link show ${name}: does not exist` : `ip link show ${name}: state DOWN`],
          commands: gone ? remakeBridge(snapshot, network) : bringUp(network),
        },
      ];
    });
  },
};

/** A bridge that was down has lost its IPv6 addresses. */
function bringUp(network: BridgedNetwork): string[] {
  const { name } = network.bridge;
  const lost = hostGateways(network).filter(({ address }) => address.includes(':'));
  return [
    shellCommand('ip', 'link', 'set', name, 'up'),
    ...lost.map((gateway) => shellCommand(...giveAddress(gateway, name))),
  ];
}

export const vethDown: Check = {
  id: 'veth-down',
  find: (snapshot) => members(snapshot).flatMap((member) => vethProblem(snapshot, member) ?? []),
};

/** The first thing that is wrong along the pair: the rest follows from it. */
function vethProblem(snapshot: Snapshot, member: Member): Finding | undefined {
  const { container, endpoint, network, sandbox } = member;
  const bridge = liveBridge(snapshot, network);
  if (bridge === undefined) return undefined;
  const { hostVeth, ifname } = endpoint;
  const host = snapshot.host().links.find(({ name }) => name === hostVeth);
  const inner = sandbox.inside().links.find(({ name }) => name === ifname);
  const found = (
    problem: FindingOf<'veth-down'>['facts']['problem'],
    isInside: boolean,
    evidence: string,
    commands: readonly string[] = [restart(container)],
  ): Finding => ({
    check: 'veth-down',
    severity: 'error',
    owner: ofContainer(container),
    facts: { link: isInside ? ifname : hostVeth, problem, inside: isInside },
    evidence: [evidence],
    commands,
  });
  if (hostVeth === '') {
    // An engine that does not tell names, and a pair of which neither end has been found.
    const what = endpoint.mac ?? endpoint.v4?.address ?? '';
    return found(
      'gone',
      false,
      `${inside(container, 'ip', 'link')}: no interface ${what} with an end on the host`,
    );
  }
  if (host === undefined) return found('gone', false, `ip link show ${hostVeth}: does not exist`);
  if (inner === undefined)
    return found('gone', true, `${inside(container, 'ip', 'link', 'show', ifname)}: does not exist`);
  if (!host.up) {
    return found('down', false, `ip link show ${hostVeth}: state DOWN`, [
      shellCommand('ip', 'link', 'set', hostVeth, 'up'),
    ]);
  }
  if (!inner.up) {
    return found(
      'down',
      true,
      `${inside(container, 'ip', 'link', 'show', ifname)}: state DOWN`,
      bringUpInside(snapshot, member),
    );
  }
  if (host.master !== bridge.index) {
    const { keepsContainers, repair } = snapshot.engine;
    return found(
      'off-bridge',
      false,
      `bridge link show dev ${hostVeth}: not a port of ${bridge.name}`,
      // A port of ours may have settings that are lost with its place (hairpin).
      keepsContainers ? repair : [shellCommand('ip', 'link', 'set', hostVeth, 'master', bridge.name)],
    );
  }
  if (!host.lowerUp) return found('no-carrier', false, `ip link show ${hostVeth}: NO-CARRIER`);
  if (host.bridgePort !== undefined && BLOCKED_STATES.includes(host.bridgePort.state)) {
    const state = host.bridgePort.state === 0 ? 'disabled' : 'blocking';
    return found('blocked', false, `bridge link show dev ${hostVeth}: state ${state}`, [
      shellCommand('bridge', 'link', 'set', 'dev', hostVeth, 'state', '3'),
    ]);
  }
  return undefined;
}

/** With its end inside down, a container has lost its routes and its IPv6 addresses. */
function bringUpInside(snapshot: Snapshot, { container, endpoint }: Member): string[] {
  const { ifname, v6 } = endpoint;
  const ways = waysOut(snapshot, container).filter((way) => way.endpoint.id === endpoint.id);
  return [
    ['ip', 'link', 'set', ifname, 'up'],
    ...(v6 === undefined ? [] : [giveAddress(v6, ifname)]),
    ...ways.map(({ address }) => giveDefaultRoute(address, ifname)),
  ].map((words) => inside(container, ...words));
}

export const mtuMismatch: Check = {
  id: 'mtu-mismatch',
  find(snapshot) {
    const { links } = snapshot.host();
    const pairs = members(snapshot).flatMap(({ container, endpoint, network, sandbox }): Finding[] => {
      const host = links.find(({ name }) => name === endpoint.hostVeth);
      const inner = sandbox.inside().links.find(({ name }) => name === endpoint.ifname);
      const bridge = liveBridge(snapshot, network);
      if (host === undefined || inner === undefined || bridge === undefined) return [];
      const smaller = [host, bridge].find((link) => link.mtu < inner.mtu);
      const owner = ofContainer(container);
      const size = Math.min(host.mtu, bridge.mtu);
      const resize = [inside(container, 'ip', 'link', 'set', inner.name, 'mtu', String(size))];
      if (smaller !== undefined)
        return [mismatch('error', owner, inner, smaller, `${container.name}:${inner.name}`, resize)];
      // The bridge hands over frames that the container's own end is too small for.
      return inner.mtu < host.mtu ? [mismatch('error', owner, host, inner, host.name, resize)] : [];
    });
    return [...pairs, ...stepDowns(snapshot)];
  },
};

/** Networks whose packets are larger than what the host's way out carries: every connection has to find out by ICMP. */
export function stepDowns(snapshot: Snapshot): Finding[] {
  const out = wayOut(snapshot);
  if (out === undefined) return [];
  return bridged(snapshot).flatMap((network): Finding[] => {
    const bridge = liveBridge(snapshot, network);
    const isUsed = members(snapshot).some((member) => member.network.id === network.id);
    if (bridge === undefined || network.internal || !isUsed || bridge.mtu <= out.mtu) return [];
    const commands = recreate(snapshot, network, {
      options: { 'com.docker.network.driver.mtu': String(out.mtu) },
    });
    return [mismatch('warning', ofNetwork(network), bridge, out, bridge.name, commands)];
  });
}

function mismatch(
  severity: 'error' | 'warning',
  owner: Finding['owner'],
  larger: Link,
  smaller: Link,
  name: string,
  commands: string[],
): Finding {
  return {
    check: 'mtu-mismatch',
    severity,
    owner,
    facts: { link: name, mtu: larger.mtu, other: smaller.name, otherMtu: smaller.mtu },
    evidence: [`${name}: mtu ${larger.mtu}`, `${smaller.name}: mtu ${smaller.mtu}`],
    commands,
  };
}
