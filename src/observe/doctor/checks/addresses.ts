/** Does every address have one owner? Pure. */

import { type Check, type Finding, ofContainer } from '../finding.ts';
import { type Member, members } from '../view.ts';

export const addressTwice: Check = {
  id: 'address-twice',
  find(snapshot) {
    const all = members(snapshot);
    const holders = holdersOf(all);
    const owners = ownersOfMacs(all);
    const claims = new Map(
      snapshot.claims().map((claim) => [`${claim.bridge} ${claim.address}`, claim.macs]),
    );
    return all.flatMap((member) =>
      addressesOf(member).flatMap((address) => {
        const others = [
          ...(holders.get(`${member.network.id} ${address}`) ?? [])
            .filter((other) => other !== member)
            .map(({ container }) => container.name),
          ...strangers(member, claims.get(`${member.network.bridge.name} ${address}`) ?? [], owners),
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

/** Who answered for an address of the member, and is not the member: by name, or by MAC address where no container has it. */
function strangers(
  member: Member,
  macs: readonly string[],
  owners: ReadonlyMap<string, readonly Member[]>,
): string[] {
  return macs.flatMap((mac) => {
    const known = owners.get(`${member.network.id} ${mac}`) ?? [];
    if (known.includes(member)) return [];
    return known.length > 0 ? known.map(({ container }) => container.name) : [mac];
  });
}

/** By network and MAC address, as they really are. */
function ownersOfMacs(all: readonly Member[]): Map<string, Member[]> {
  const owners = new Map<string, Member[]>();
  for (const member of all) {
    const key = `${member.network.id} ${macOf(member)}`;
    owners.set(key, [...(owners.get(key) ?? []), member]);
  }
  return owners;
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
    const owners = ownersOfMacs(all);
    const byName = new Map(links.map((link) => [link.name, link]));
    const names = new Map(links.map(({ index, name }) => [index, name]));
    const learned = Map.groupBy(forwarding, ({ mac, master }) => `${master} ${mac}`);
    return all.flatMap((member): Finding[] => {
      const mac = macOf(member);
      const bridge = byName.get(member.network.bridge.name);
      const port = byName.get(member.endpoint.hostVeth);
      if (mac === undefined || bridge?.up !== true || port === undefined) return [];
      const same = (owners.get(`${member.network.id} ${mac}`) ?? []).filter((other) => other !== member);
      const veths = new Set(same.map(({ endpoint }) => endpoint.hostVeth));
      // Learned at another port: somebody behind it sends with this address.
      const ports = (learned.get(`${bridge.index} ${mac}`) ?? [])
        .filter(({ link }) => link !== port.index)
        .flatMap(({ link }) => names.get(link) ?? [])
        .filter((name) => !veths.has(name));
      const others = [...new Set([...same.map(({ container }) => container.name), ...ports])];
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
