/** Are bridges and veth pairs there, up, and of one size? Pure. */

import type { Link } from '../../../kernel/netlink/index.ts';
import { type Check, type Finding, type FindingOf, ofContainer, ofNetwork } from '../finding.ts';
import type { Snapshot } from '../snapshot.ts';
import { bridged, liveBridge, type Member, members, wayOut } from '../view.ts';

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
          commands: gone ? [] : [`ip link set ${name} up`],
        },
      ];
    });
  },
};

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
    inside: boolean,
    evidence: string,
    commands: string[] = [],
  ): Finding => ({
    check: 'veth-down',
    severity: 'error',
    owner: ofContainer(container),
    facts: { link: inside ? ifname : hostVeth, problem, inside },
    evidence: [evidence],
    commands,
  });
  const enter = container.pid > 0 ? `nsenter --net=/proc/${container.pid}/ns/net ` : '';
  if (host === undefined) return found('gone', false, `ip link show ${hostVeth}: does not exist`);
  if (inner === undefined) return found('gone', true, `${enter}ip link show ${ifname}: does not exist`);
  if (!host.up) {
    return found('down', false, `ip link show ${hostVeth}: state DOWN`, [`ip link set ${hostVeth} up`]);
  }
  if (!inner.up) {
    return found('down', true, `${enter}ip link show ${ifname}: state DOWN`, [
      `${enter}ip link set ${ifname} up`,
    ]);
  }
  if (host.master !== bridge.index) {
    return found('off-bridge', false, `bridge link show dev ${hostVeth}: not a port of ${bridge.name}`, [
      `ip link set ${hostVeth} master ${bridge.name}`,
    ]);
  }
  if (!host.lowerUp) return found('no-carrier', false, `ip link show ${hostVeth}: NO-CARRIER`);
  if (host.bridgePort !== undefined && BLOCKED_STATES.includes(host.bridgePort.state)) {
    const state = host.bridgePort.state === 0 ? 'disabled' : 'blocking';
    return found('blocked', false, `bridge link show dev ${hostVeth}: state ${state}`, [
      `bridge link set dev ${hostVeth} state 3`,
    ]);
  }
  return undefined;
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
      if (smaller !== undefined)
        return [mismatch('error', owner, inner, smaller, `${container.name}:${inner.name}`)];
      // The bridge hands over frames that the container's own end is too small for.
      return inner.mtu < host.mtu ? [mismatch('error', owner, host, inner, host.name)] : [];
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
    return [mismatch('warning', ofNetwork(network), bridge, out, bridge.name)];
  });
}

function mismatch(
  severity: 'error' | 'warning',
  owner: Finding['owner'],
  larger: Link,
  smaller: Link,
  name: string,
): Finding {
  return {
    check: 'mtu-mismatch',
    severity,
    owner,
    facts: { link: name, mtu: larger.mtu, other: smaller.name, otherMtu: smaller.mtu },
    evidence: [`${name}: mtu ${larger.mtu}`, `${smaller.name}: mtu ${smaller.mtu}`],
    commands:
      severity === 'warning'
        ? [`docker network create -o com.docker.network.driver.mtu=${smaller.mtu} …`]
        : [],
  };
}
