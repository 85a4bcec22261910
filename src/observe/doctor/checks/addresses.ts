/** Does every address have one owner? Pure. */

import { shellCommand } from '../../../base/shell.ts';
import { inside } from '../commands.ts';
import { type Check, type Finding, ofContainer } from '../finding.ts';
import type { Snapshot } from '../snapshot.ts';
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
        const takers = (holders.get(`${member.network.id} ${address}`) ?? []).filter(
          (other) => other !== member,
        );
        const macs = strangers(member, claims.get(`${member.network.bridge.name} ${address}`) ?? [], owners);
        const others = [
          ...takers.map(({ container }) => container.name),
          ...macs.map((mac) => owners.get(`${member.network.id} ${mac}`)?.[0]?.container.name ?? mac),
          ...refused(member, address),
        ];
        if (others.length === 0) return [];
        const commands = [
          ...takers.flatMap((taker) => takeAway(taker, address)),
          ...macs.flatMap((mac) => cutOff(snapshot, member, portsOf(snapshot, member, mac))),
        ];
        return [twice(member, address, [...new Set(others)], commands)];
      }),
    );
  },
};

function twice(
  member: Member,
  address: string,
  others: readonly string[],
  commands: readonly string[],
): Finding {
  const { container, network } = member;
  return {
    check: 'address-twice',
    severity: 'error',
    owner: ofContainer(container),
    facts: { address, others: others.join(', ') },
    evidence: [`${network.name}: ${address} is held by ${[container.name, ...others].join(', ')}`],
    commands,
  };
}

/** From a container that was not given the address. */
function takeAway({ container, endpoint, sandbox }: Member, address: string): string[] {
  const held = sandbox.inside().addresses.find((candidate) => candidate.address === address);
  if (held === undefined || [endpoint.v4?.address, endpoint.v6?.address].includes(address)) return [];
  const prefix = `${address}/${held.prefixLength}`;
  return [inside(container, 'ip', 'address', 'del', prefix, 'dev', endpoint.ifname)];
}

/** Where a bridge has learned a hardware address. */
function portsOf(snapshot: Snapshot, member: Member, mac: string): string[] {
  const { links, forwarding } = snapshot.host();
  const bridge = links.find(({ name }) => name === member.network.bridge.name);
  return forwarding
    .filter((entry) => entry.mac === mac && entry.master === bridge?.index)
    .flatMap(({ link }) => links.find(({ index }) => index === link)?.name ?? []);
}

/** Takes ports off their bridge, but for it itself and those of containers. */
function cutOff(snapshot: Snapshot, { network }: Member, ports: readonly string[]): string[] {
  const ours = new Set(members(snapshot).map(({ endpoint }) => endpoint.hostVeth));
  return ports
    .filter((name) => name !== network.bridge.name && !ours.has(name))
    .map((name) => shellCommand('ip', 'link', 'set', name, 'nomaster'));
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

/** The MAC addresses that answered for an address of the member, and are not the member's. */
function strangers(
  member: Member,
  macs: readonly string[],
  owners: ReadonlyMap<string, readonly Member[]>,
): string[] {
  return macs.filter((mac) => !(owners.get(`${member.network.id} ${mac}`) ?? []).includes(member));
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
      const commands = [...[member, ...same].flatMap(giveBackMac), ...cutOff(snapshot, member, ports)];
      return [
        {
          check: 'mac-twice',
          severity: 'error',
          owner: ofContainer(member.container),
          facts: { mac, others: others.join(', ') },
          evidence: [`${member.network.name}: ${mac} at ${[member.container.name, ...others].join(', ')}`],
          commands,
        },
      ];
    });
  },
};

/** To a container that has another hardware address than it was given. */
function giveBackMac(member: Member): string[] {
  const { container, endpoint } = member;
  return endpoint.mac === undefined || macOf(member) === endpoint.mac
    ? []
    : [inside(container, 'ip', 'link', 'set', endpoint.ifname, 'address', endpoint.mac)];
}
