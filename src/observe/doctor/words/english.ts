import type { Catalogue } from './words.ts';

export const ENGLISH: Catalogue = {
  'forwarding-off': {
    title: 'The kernel forwards packets',
    text: ({ family, link }) =>
      link === undefined
        ? `IPv${family} forwarding is off: containers reach neither the world nor other networks, and published ports answer only through the proxy.`
        : `IPv${family} forwarding is off on ${link}: packets of its containers are not passed on.`,
    remedy: () => 'Turn it on, and find out who turns it off (a file in /etc/sysctl.d, another program).',
  },
  'ipv6-router': {
    title: 'The host hears its IPv6 router',
    text: ({ link }) =>
      `The host forwards IPv6 and so ignores router advertisements on ${link}, from which its default route came: the route runs out, and IPv6 with it.`,
    remedy: () => 'Let the interface listen to advertisements although it forwards (accept_ra = 2).',
  },
  'rules-missing': {
    title: "The firewall has the engine's rules",
    text: ({ missing, wanted, all }, owner) =>
      all
        ? `All ${wanted} rules of the engine are gone: somebody has flushed the firewall.`
        : `${missing === 1 ? 'A rule' : `${missing} rules`} for ${owner} ${missing === 1 ? 'is' : 'are'} missing from the firewall: somebody has deleted ${missing === 1 ? 'it' : 'them'}.`,
    remedy: ({ all }) =>
      all
        ? 'The daemon brings them back as soon as it sees the flush; if they stay away, tell it to look again (SIGHUP).'
        : 'A rule that was taken away by hand stays away: tell the daemon to look at its network again (SIGHUP), which brings back all of its rules.',
  },
  'rules-shadowed': {
    title: "Nobody's rules stand before the engine's",
    text: ({ where, what }) =>
      what === 'policy'
        ? `The policy of ${where} drops forwarded packets, whatever the rules of the engine accept.`
        : `A rule of ${where} drops packets of containers before the rules of the engine are asked.`,
    remedy: () => 'Take the rule away, or let packets of the bridges pass before it.',
  },
  'bridge-filter-off': {
    title: 'Frames within a bridge meet the firewall',
    text: ({ setting }, owner) =>
      `${owner} keeps its containers apart (icc=false), but frames within a bridge do not meet the firewall (${setting} is off): they reach each other all the same.`,
    remedy: () => 'Turn the setting on.',
  },
  'subnet-overlap': {
    title: 'Networks have their subnets to themselves',
    text: ({ subnet, other, link }, owner) =>
      `The subnet ${subnet} of ${owner} overlaps with ${other} of ${link}: answers go the wrong way.`,
    remedy: () =>
      'Make the network anew with another subnet (the default network: another bip in daemon.json), or take the address from the interface.',
  },
  'route-over-subnet': {
    title: 'Routes lead to the containers',
    text: ({ subnet, route, link, hides }) =>
      hides
        ? `The route ${route} by ${link} stands before the network's own to ${subnet}: what the host sends to its containers goes there instead.`
        : `The route ${route} by ${link} covers the subnet ${subnet}: hosts behind ${link} that have such addresses cannot be reached from here.`,
    remedy: () =>
      'Take the route away, and see that what made it does not make it again (the AllowedIPs of a VPN); or move the network out of its way (the default one: another bip in daemon.json).',
  },
  'gateway-missing': {
    title: 'Bridges have their addresses',
    text: ({ address, bridge }, owner) =>
      `The bridge ${bridge} has lost ${address}, the gateway of ${owner}: its containers have no way out.`,
    remedy: () => 'Give the address back to the bridge.',
  },
  'bridge-down': {
    title: 'Bridges are up',
    text: ({ bridge, gone }, owner) =>
      `The bridge ${bridge} of ${owner} ${gone ? 'does not exist any more' : 'is down'}: its containers reach nothing.`,
    remedy: ({ gone }) =>
      gone ? 'Have the engine make it again, then wire the containers to it.' : 'Bring it up.',
  },
  'veth-down': {
    title: 'Containers are wired to their bridges',
    text: ({ link, problem, inside }, owner) => {
      const end = `${inside ? 'The interface' : "The host's end"}${link === '' ? '' : ` ${link}`} of ${owner}`;
      switch (problem) {
        case 'gone':
          return `${end} does not exist any more: the container is cut off.`;
        case 'down':
          return `${end} is down: the container is cut off.`;
        case 'off-bridge':
          return `${end} is no port of its bridge any more: the container is cut off.`;
        case 'no-carrier':
          return `${end} has no carrier: the other end is gone or down.`;
        case 'blocked':
          return `${end} is a port that the bridge does not forward from: the container is cut off.`;
      }
    },
    remedy: ({ problem }) =>
      problem === 'gone' || problem === 'no-carrier'
        ? 'Restart the container, which wires it anew.'
        : 'Undo it with the command, or restart the container.',
  },
  'mtu-mismatch': {
    title: 'Packets fit everywhere',
    text: ({ link, mtu, other, otherMtu }, owner) =>
      `${link} sends packets of up to ${mtu} bytes, and ${other} carries ${otherMtu}: large packets of ${owner} are lost or have to be sent anew.`,
    remedy: () =>
      'Give all of them one size; a network gets its own when it is created, the default one by mtu in daemon.json.',
  },
  'icmp-dropped': {
    title: 'Senders are told when a packet is too large',
    text: ({ where, stepDown }) =>
      `A rule of ${where} drops the ICMP messages that say "packet too big"${
        stepDown
          ? ', and the way out carries less than the containers send: connections open and then stand still.'
          : ': where a link on the way is smaller, connections open and then stand still.'
      }`,
    remedy: () => 'Let these messages pass before that rule.',
  },
  'address-missing': {
    title: 'Containers have their addresses',
    text: ({ address, link }, owner) =>
      `${owner} has lost ${address} from ${link}: nobody reaches it there, and published ports that lead to it do not answer.`,
    remedy: () => 'Give the address back, and the routes that went with it; or restart the container.',
  },
  'default-route-missing': {
    title: 'Containers have a way out',
    text: ({ family, gateway }, owner) =>
      `${owner} has no default route for IPv${family} (it was given one by way of ${gateway}): it does not answer whoever is not on its own network.`,
    remedy: () => 'Give it the route again, unless it routes by its own rules.',
  },
  'address-twice': {
    title: 'Every address has one owner',
    text: ({ address, others }, owner) =>
      `The address ${address} of ${owner} is held by ${others} too: who gets a packet is a matter of chance.`,
    remedy: () =>
      'Take the address away from the other, or the other off the bridge; an address that somebody needs there is kept out of the pool (--aux-address, --ip-range).',
  },
  'mac-twice': {
    title: 'Every hardware address has one owner',
    text: ({ mac, others }, owner) =>
      `The hardware address ${mac} of ${owner} is also used at ${others}: the bridge sends its frames now here, now there.`,
    remedy: () =>
      'Give back the address to whoever has changed its own; of two that were given the same, make one anew (--mac-address).',
  },
  'conntrack-missing': {
    title: 'Connections are tracked',
    text: () =>
      'The kernel does not track connections (nf_conntrack is not loaded): published ports and masquerading cannot work.',
    remedy: () => 'Load the module; if there is none, install the kernel package that has it.',
  },
  'conntrack-full': {
    title: 'There is room for new connections',
    text: ({ entries, limit, dropped }) =>
      `The table of tracked connections is ${entries >= limit ? '' : 'nearly '}full: ${entries} of ${limit}${dropped > 0 ? `; ${dropped} packets were lost for that` : ''}. New connections fail when it is.`,
    remedy: () => 'Raise the limit, and see by `bridgeport flows` who has so many.',
  },
  'time-wait': {
    title: 'The proxy has local ports',
    text: ({ target, waiting, free, refused }) =>
      `Connections of the proxy to ${target} hold ${waiting} local ports in TIME_WAIT; ${free} are free${refused > 0 ? `, and ${refused} connections were refused for want of one` : ''}.`,
    remedy: () =>
      'Let clients keep their connections, let them reach the port by an address of the host other than localhost (the kernel then serves it), or widen net.ipv4.ip_local_port_range.',
  },
  'proxy-down': {
    title: 'Published ports are held',
    text: ({ lost, running }, owner) =>
      running
        ? `The port keeper does not hold ${lost} of ${owner}: another program has taken it while no keeper ran.`
        : `The port keeper does not run: nobody holds ${lost}.`,
    remedy: ({ running }) =>
      running
        ? 'See who has the port and end that program: the keeper takes it back within a second.'
        : 'The daemon starts it again by itself; its log says why it cannot.',
  },
  'published-nowhere': {
    title: 'Published ports have a port of the host',
    text: ({ ports, networks, why }, owner) => {
      switch (why) {
        case 'internal':
          return `${owner} is to have ${ports} published and is only on networks that have no way out (${networks}): the ports are published nowhere.`;
        case 'parent':
          return `${owner} is to have ${ports} published and stands in the host's own network (${networks}): no port of the host leads to it.`;
        case 'none':
          return `${owner} is to have ${ports} published and is on no network: the ports are published nowhere.`;
      }
    },
    remedy: ({ why }) =>
      why === 'parent'
        ? 'Ask it at its own address, where all of its ports are open; the host itself reaches it only by another network.'
        : 'Join it to a network with a way out as well: its ports are then published there.',
  },
  'listener-unreached': {
    title: 'Servers listen where published ports lead',
    text: ({ port, addresses, containerIp }, owner) =>
      `In ${owner}, port ${port} is served at ${addresses} only, and the published port leads to ${containerIp}: connections are refused.`,
    remedy: () => 'Have the server listen on all addresses (0.0.0.0) instead.',
  },
  'label-unknown': {
    title: 'Labels for Bridgeport mean something',
    text: ({ label, why }, owner) =>
      why === 'unknown'
        ? `The label ${label} of ${owner} has no effect: Bridgeport knows bridgeport.port.PORT.proxy-protocol.`
        : `The label ${label} of ${owner} has no effect: the container has no such port published.`,
    remedy: ({ why }) =>
      why === 'unknown'
        ? 'Make the container anew with the label as it has to be written, or without it.'
        : "Make the container anew with the container's port in the label (the second in -p 8080:80), or publish that port.",
  },
  'resolver-dead': {
    title: 'Name servers answer',
    text: ({ server, why }, owner) =>
      `The name server ${server}${owner === 'host' ? '' : ` of ${owner}`} ${why === 'silent' ? 'does not answer' : 'cannot be reached'}: names of the outside are found late or not at all.`,
    remedy: (_facts, owner) =>
      owner === 'host'
        ? "Correct the host's /etc/resolv.conf; Bridgeport follows it, and containers of a Docker Engine do when they are restarted."
        : 'Give the container a server that answers (--dns).',
  },
  leftovers: {
    title: 'Nothing is left of containers that are gone',
    text: ({ kind, name }) =>
      `The ${kind === 'namespace' ? 'network namespace' : kind} ${name} belongs to no container: an earlier daemon or a crash has left it.`,
    remedy: () => 'The next start of the daemon takes it away; or do it by hand.',
  },
};
