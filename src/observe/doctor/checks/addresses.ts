/** Does every address have one owner? Pure. */

import { type Check, type Finding, ofContainer } from '../finding.ts';
import type { Snapshot } from '../snapshot.ts';
import { liveBridge, type Member, members } from '../view.ts';

export const addressTwice: Check = {
  id: 'address-twice',
  find(snapshot) {
    const all = members(snapshot);
    const holders = holdersOf(all);
    return all.flatMap((member) =>
      addressesOf(member).flatMap((address) => {
        const others = [
          ...(holders.get(`${member.network.id} ${address}`) ?? [])
            .filter((other) => other !== member)
            .map(({ container }) => container.name),
          ...strangers(snapshot, member, address, all),
          ...refused(member, address),
        ];
        return others.length === 0 ? [] : [twice(member, address, [...new Set(others)])];
      }),
    );
  },
};

function twice(member: Member, address: string, others: readonly string[]): Finding {
  const { container, network } = member;
  return {
    check: 'address-twice',
    severity: 'error',
    owner: ofContainer(container),
    facts: { address, others: others.join(', ') },
    evidence: [`${network.name}: ${address} is held by ${[container.name, ...others].join(', ')}`],
    commands: [],
  };
}

/** Addresses that were given to the member. */
const addressesOf = ({ endpoint }: Member) =>
  [endpoint.v4, endpoint.v6].flatMap((part) => part?.address ?? []);

/** Who has an address inside, really, on which network. */
function holdersOf(all: readonly Member[]): Map<string, Member[]> {
  const holders = new Map<string, Member[]>();
  for (const member of all) {
    const { links, addresses } = member.sandbox.inside();
    const index = links.find(({ name }) => name === member.endpoint.ifname)?.index;
    for (const { address, link } of addresses) {
      if (link !== index) continue;
      const key = `${member.network.id} ${address}`;
      holders.set(key, [...(holders.get(key) ?? []), member]);
    }
  }
  return holders;
}

/** MAC addresses that answered for it and that no container of the network has. */
function strangers(snapshot: Snapshot, member: Member, address: string, all: readonly Member[]): string[] {
  const claim = snapshot
    .claims()
    .find((entry) => entry.address === address && entry.bridge === member.network.bridge.name);
  const known = all.filter(({ network }) => network.id === member.network.id);
  return (claim?.macs ?? []).flatMap((mac) => {
    const owners = known.filter((other) => macOf(other) === mac);
    if (owners.includes(member)) return [];
    return owners.length > 0 ? owners.map(({ container }) => container.name) : [mac];
  });
}

const macOf = ({ sandbox, endpoint }: Member) =>
  sandbox.inside().links.find(({ name }) => name === endpoint.ifname)?.mac;

/** The kernel found out by itself (duplicate address detection, RFC 4862). */
function refused({ sandbox }: Member, address: string): string[] {
  const isFailed = sandbox.inside().addresses.some((held) => held.address === address && held.dadFailed);
  return isFailed ? ['a host that duplicate address detection heard'] : [];
}

export const macTwice: Check = {
  id: 'mac-twice',
  find(snapshot) {
    const { links, forwarding } = snapshot.host();
    const all = members(snapshot);
    return all.flatMap((member): Finding[] => {
      const mac = macOf(member);
      const bridge = liveBridge(snapshot, member.network);
      const port = links.find(({ name }) => name === member.endpoint.hostVeth);
      if (mac === undefined || bridge === undefined || port === undefined) return [];
      const same = all.filter(
        (other) => other !== member && other.network.id === member.network.id && macOf(other) === mac,
      );
      // Learned at another port: somebody behind it sends with this address.
      const learned = forwarding.filter(
        (entry) => entry.mac === mac && entry.master === bridge.index && entry.link !== port.index,
      );
      const names = [
        ...same.map(({ container }) => container.name),
        ...learned.flatMap(({ link }) => links.find(({ index }) => index === link)?.name ?? []),
      ];
      const known = new Set(same.map(({ endpoint }) => endpoint.hostVeth));
      const others = [...new Set(names)].filter((name) => !known.has(name));
      if (others.length === 0) return [];
      return [
        {
          check: 'mac-twice',
          severity: 'error',
          owner: ofContainer(member.container),
          facts: { mac, others: others.join(', ') },
          evidence: [`${member.network.name}: ${mac} at ${[member.container.name, ...others].join(', ')}`],
          commands: [],
        },
      ];
    });
  },
};
