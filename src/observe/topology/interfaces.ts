/** The interfaces of one network namespace, as the kernel tells them. */

import type { MapInterface } from '../../base/wire/index.ts';
import { type InterfaceAddress, type Link, RouteClient } from '../../kernel/netlink/index.ts';
import type { NetnsHandle } from '../../kernel/netns/index.ts';

/** One reading: everything in it was true at the same moment, or nearly. */
export class InterfaceTable {
  readonly links: readonly Link[];
  readonly #addresses: readonly InterfaceAddress[];
  readonly #byName: ReadonlyMap<string, Link>;

  private constructor(links: readonly Link[], addresses: readonly InterfaceAddress[]) {
    this.links = links;
    this.#addresses = addresses;
    this.#byName = new Map(links.map((link) => [link.name, link]));
  }

  static read(client: RouteClient): InterfaceTable {
    return new InterfaceTable(client.links(), client.addresses());
  }

  /** @param netns the namespace to look at; the thread's own by default */
  static of(netns?: NetnsHandle | string): InterfaceTable {
    using client = RouteClient.open(netns);
    return InterfaceTable.read(client);
  }

  find(name: string): Link | undefined {
    return this.#byName.get(name);
  }

  /** CIDR notation, IPv4 first. IPv6 link-local addresses are left out: every interface has one, and it leads nowhere. */
  addresses(link: Link): string[] {
    return this.#addresses
      .filter((address) => address.link === link.index && !(address.family === 6 && address.scope === 'link'))
      .sort((a, b) => a.family - b.family)
      .map(({ address, prefixLength }) => `${address}/${prefixLength}`);
  }

  view(link: Link): MapInterface {
    return {
      name: link.name,
      index: link.index,
      ...(link.mac === undefined ? {} : { mac: link.mac }),
      mtu: link.mtu,
      up: link.up,
      addresses: this.addresses(link),
    };
  }
}
