/** Connection tracking, the proxy, the name servers, and what a crash left. Pure. */

import { hostPort } from '../../../base/ip.ts';
import { shellCommand } from '../../../base/shell.ts';
import { setSysctl } from '../commands.ts';
import { type Check, DAEMON, type Finding, HOST, ofContainer } from '../finding.ts';
import { bridged } from '../view.ts';

/** Local ports that leave those below to servers. */
const WIDE = { first: 10_240, last: 65_535 };
/** Of the table, from which on it is nearly full. */
const NEARLY = 0.9;
/** Of the local ports, below which there is no want of them any more. */
const OVER = 0.5;

export const conntrackMissing: Check = {
  id: 'conntrack-missing',
  find(snapshot) {
    if (snapshot.firewall === 'none' || bridged(snapshot).length === 0) return [];
    if (snapshot.conntrack() !== undefined) return [];
    return [
      {
        check: 'conntrack-missing',
        severity: 'error',
        owner: HOST,
        facts: {},
        evidence: ['/proc/sys/net/netfilter/nf_conntrack_count: no such file'],
        commands: ['modprobe nf_conntrack'],
      },
    ];
  },
};

export const conntrackFull: Check = {
  id: 'conntrack-full',
  find(snapshot) {
    const use = snapshot.conntrack();
    if (use === undefined || use.entries < use.limit * NEARLY) return [];
    const { entries, limit, dropped, earlyDropped } = use;
    return [
      {
        check: 'conntrack-full',
        severity: entries >= limit ? 'error' : 'warning',
        owner: HOST,
        facts: { entries, limit, dropped },
        evidence: [
          `net/netfilter/nf_conntrack_count = ${entries}`,
          `net/netfilter/nf_conntrack_max = ${limit}`,
          `/proc/net/stat/nf_conntrack: drop ${dropped}, early_drop ${earlyDropped}`,
        ],
        commands: [setSysctl('net/netfilter/nf_conntrack_max', limit * 2)],
      },
    ];
  },
};

export const timeWait: Check = {
  id: 'time-wait',
  find(snapshot) {
    const { stats } = snapshot.ports();
    const [first, last] = (snapshot.host().sysctl('net/ipv4/ip_local_port_range') ?? '32768 60999')
      .split(/\s+/)
      .map(Number);
    const range = (last ?? 60_999) - (first ?? 32_768) + 1;
    return (stats?.targets ?? []).flatMap(({ target, active, timeWait: waiting, exhausted }): Finding[] => {
      const used = active + waiting;
      // Connections that were refused long ago are no fault now: somebody has widened the range, or the clients have gone.
      if (used < range * (exhausted > 0 ? OVER : NEARLY)) return [];
      const address = /^\[?(.*?)\]?:\d+$/.exec(target)?.[1];
      const owner = snapshot.sandboxes.find(({ container }) =>
        container.sandbox?.ports.some(({ containerIp }) => containerIp === address),
      );
      return [
        {
          check: 'time-wait',
          severity: exhausted > 0 ? 'error' : 'warning',
          owner: owner === undefined ? DAEMON : ofContainer(owner.container),
          facts: { target, waiting, free: Math.max(0, range - used), refused: exhausted },
          evidence: [
            `port keeper: ${waiting} local ports in TIME_WAIT to ${target}, ${exhausted} connections refused`,
            `net/ipv4/ip_local_port_range = ${first} ${last}`,
          ],
          commands:
            range < WIDE.last - WIDE.first
              ? [setSysctl('net/ipv4/ip_local_port_range', `${WIDE.first} ${WIDE.last}`)]
              : [],
        },
      ];
    });
  },
};

export const proxyDown: Check = {
  id: 'proxy-down',
  find(snapshot) {
    const { stats, lost, wanted } = snapshot.ports();
    if (stats === undefined) {
      if (wanted.length === 0) return [];
      const ports = wanted
        .map(({ hostIp, hostPort: port, proto }) => `${hostPort(hostIp, port)}/${proto}`)
        .join(', ');
      return [
        {
          check: 'proxy-down',
          severity: 'error',
          owner: DAEMON,
          facts: { lost: ports, running: false },
          evidence: ['port keeper: does not run'],
          commands: [],
        },
      ];
    }
    return snapshot.sandboxes.flatMap(({ container }): Finding[] => {
      const mine = lost.filter((mapping) => container.sandbox?.ports.includes(mapping));
      if (mine.length === 0) return [];
      const ports = mine
        .map(({ hostIp, hostPort: port, proto }) => `${hostPort(hostIp, port)}/${proto}`)
        .join(', ');
      return [
        {
          check: 'proxy-down',
          severity: 'error',
          owner: ofContainer(container),
          facts: { lost: ports, running: true },
          evidence: [`port keeper ${stats.pid}: does not hold ${ports}`],
          commands: mine.map(({ hostPort: port }) => `ss -lntup 'sport = :${port}'`),
        },
      ];
    });
  },
};

export const resolverDead: Check = {
  id: 'resolver-dead',
  find: (snapshot) =>
    snapshot
      .resolver()
      .upstreams.filter(({ answeredAfter }) => answeredAfter === undefined)
      .map(({ address, port, container, errno }): Finding => {
        const server = hostPort(address, port);
        return {
          check: 'resolver-dead',
          severity: 'error',
          owner: container === undefined ? HOST : ofContainer(container),
          facts: { server, why: errno === undefined ? 'silent' : 'refused' },
          evidence: [`query of "." to ${server}: ${errno ?? 'no answer'}`],
          commands: [],
        };
      }),
};

export const leftovers: Check = {
  id: 'leftovers',
  find: (snapshot) =>
    snapshot.leftovers().map(
      ({ kind, name }): Finding => ({
        check: 'leftovers',
        severity: 'warning',
        owner: DAEMON,
        facts: { kind, name },
        evidence: [`${kind} ${name}: belongs to no container`],
        commands:
          kind === 'link'
            ? [shellCommand('ip', 'link', 'del', name)]
            : kind === 'mount'
              ? [shellCommand('umount', '-l', name)]
              : [shellCommand('umount', '-l', name), shellCommand('rm', name)],
      }),
    ),
};
