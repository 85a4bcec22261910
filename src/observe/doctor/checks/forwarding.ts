/** Does the kernel pass packets on? Pure. */

import { setSysctl } from '../commands.ts';
import { type Check, type Finding, HOST, ofNetwork } from '../finding.ts';
import { bridged, isRouted, liveBridge } from '../view.ts';

/** `RTPROT_RA 9`: the kernel made the route from a router's advertisement (rtnetlink.h). */
const RTPROT_RA = 9;
const RT_TABLE_MAIN = 254;

export const forwardingOff: Check = {
  id: 'forwarding-off',
  find(snapshot) {
    const { sysctl } = snapshot.host();
    return ([4, 6] as const).flatMap((family): Finding[] => {
      const routed = bridged(snapshot).filter((network) => isRouted(network, family));
      if (routed.length === 0) return [];
      const all = family === 4 ? 'net/ipv4/ip_forward' : 'net/ipv6/conf/all/forwarding';
      if (sysctl(all) === '0') return [off(family, all, undefined)];
      return routed
        .filter((network) => liveBridge(snapshot, network) !== undefined)
        .flatMap((network): Finding[] => {
          const setting = `net/ipv${family}/conf/${network.bridge.name}/forwarding`;
          if (sysctl(setting) !== '0') return [];
          return [{ ...off(family, setting, network.bridge.name), owner: ofNetwork(network) }];
        });
    });
  },
};

function off(family: 4 | 6, setting: string, link: string | undefined): Finding {
  return {
    check: 'forwarding-off',
    severity: 'error',
    owner: HOST,
    facts: { family, link },
    evidence: [`${setting} = 0`],
    commands: [setSysctl(setting, 1)],
  };
}

/** A router does not listen to other routers, unless it is told to: the host's own default route would run out. */
export const ipv6Router: Check = {
  id: 'ipv6-router',
  find(snapshot) {
    const { sysctl, routes, links } = snapshot.host();
    const learned = routes.filter(
      ({ family, destination, protocol, table }) =>
        family === 6 && destination === 'default' && protocol === RTPROT_RA && table === RT_TABLE_MAIN,
    );
    return [...new Set(learned.map(({ link }) => link))].flatMap((index): Finding[] => {
      const name = links.find((link) => link.index === index)?.name;
      if (name === undefined) return [];
      const settings = [`net/ipv6/conf/${name}/forwarding`, `net/ipv6/conf/${name}/accept_ra`] as const;
      if (sysctl(settings[0]) !== '1' || sysctl(settings[1]) !== '1') return [];
      return [
        {
          check: 'ipv6-router',
          severity: 'error',
          owner: HOST,
          facts: { link: name },
          evidence: [`${settings[0]} = 1`, `${settings[1]} = 1`, `ip -6 route: default dev ${name} proto ra`],
          commands: [setSysctl(settings[1], 2)],
        },
      ];
    });
  },
};
