/**
 * The macvlan and the ipvlan driver: every endpoint is an interface on top of one of the host's, its parent, and so stands in the same
 * network as the host itself. There is no bridge, no firewall and no translation in between, and the host does not reach its containers
 * over the parent: the kernel keeps the two apart.
 */

import { release } from 'node:os';
import { BridgeportError, conflict, invalid, messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { requireFeature } from '../../kernel/features.ts';
import { isErrno } from '../../kernel/ffi/errno.ts';
import { type IpvlanMode, type Link, type MacvlanMode, RouteClient } from '../../kernel/netlink/index.ts';
import type { NetnsHandle } from '../../kernel/netns/index.ts';
import { type EndpointSpec, isClosed, type NetworkSpec, type ParentSpec } from '../model/index.ts';
import {
  type DriverSettings,
  type EndpointTraits,
  INTERFACE_PREFIX,
  type NetworkDriver,
  type WantedNetwork,
} from './driver.ts';
import { bringUp } from './interface.ts';
import { deleteLinkIfThere, networkMark, ownerOf } from './ownership.ts';
import { type ParentDriverName, parentOptions, vlanOf } from './parent-options.ts';

export class ParentDriver implements NetworkDriver {
  readonly name: ParentDriverName;
  readonly #route: RouteClient;
  readonly #log: Log;

  /** `route` is a client in the daemon's namespace. */
  constructor(name: ParentDriverName, route: RouteClient, log: Log) {
    this.name = name;
    this.#route = route;
    this.#log = log;
  }

  validate(wanted: WantedNetwork): DriverSettings {
    requireFeature(this.name, `network driver "${this.name}"`);
    return { parent: parentOptions(this.name, wanted) };
  }

  traits(spec: NetworkSpec): EndpointTraits {
    const { mode } = parentOf(spec);
    const routes = mode === 'l3' || mode === 'l3s';
    const wayOut = isClosed(spec) ? 'none' : routes ? 'on-link' : 'gateway';
    return {
      // As in Docker: an ipvlan's router is one that only the user knows.
      choosesGateway: this.name === 'macvlan' && !isClosed(spec),
      hasHostEnd: false,
      hasOwnMac: this.name === 'macvlan',
      wayOut: { 4: wayOut, 6: wayOut },
      interfacePrefix: INTERFACE_PREFIX,
    };
  }

  /** Finds the parent, or makes it: a VLAN sub-interface by its name, or a link that leads nowhere for networks that name none. */
  setup(spec: NetworkSpec, others: readonly NetworkSpec[]): void {
    const parent = parentOf(spec);
    this.#refuseShared(spec, parent, others);
    if (this.#route.findLink(parent.device) !== undefined) return;
    const made = parent.isDummy ? this.#addDummy(parent.device) : this.#addVlan(parent.device);
    this.#route.setLink(made.index, { alias: networkMark(spec.id), up: true });
    this.#log.info({ link: made.name, kind: made.kind, network: spec.name }, 'parent made');
  }

  async teardown(spec: NetworkSpec, others: readonly NetworkSpec[]): Promise<void> {
    const { device } = parentOf(spec);
    const link = this.#route.findLink(device);
    if (link === undefined || ownerOf(link) === undefined) return;
    const heir = others.find(({ parent }) => parent?.device === device);
    if (heir === undefined) await deleteLinkIfThere(this.#route, link.index);
    else this.#route.setLink(link.index, { alias: networkMark(heir.id) });
  }

  createEndpoint(endpoint: EndpointSpec, spec: NetworkSpec, netns: NetnsHandle): void {
    const { device, mode, flag = 'bridge', mtu } = parentOf(spec);
    const { ifname, mac } = endpoint;
    const below = this.#route.findLink(device);
    if (below === undefined) {
      throw invalid(`the requested parent interface ${device} was not found on the Docker host`);
    }
    if (mtu !== undefined && mtu > below.mtu) {
      throw invalid(`invalid MTU number: ${mtu} is more than the ${below.mtu} of parent interface ${device}`);
    }
    const common = { name: ifname, parent: below.index, mtu, netns };
    const made = inWords(device, mode, () =>
      this.#add(() =>
        this.name === 'macvlan'
          ? this.#route.addLink({ ...common, kind: 'macvlan', mac, mode: mode as MacvlanMode })
          : this.#route.addLink({ ...common, kind: 'ipvlan', mode: mode as IpvlanMode, flag }),
      ),
    );
    if (mode === 'passthru' && mac !== undefined) {
      using inside = RouteClient.open(netns);
      inside.setLink(made.index, { mac });
    }
    bringUp(endpoint, made.index, netns);
  }

  /** It has no end on the host. */
  repairEndpoint(): void {}

  isHeard(): boolean {
    return true;
  }

  /** At once, not when the kernel gets round to ending the namespace: a parent in mode `passthru` is free for the next one. */
  async deleteEndpoint({ ifname }: EndpointSpec, netnsPath: string): Promise<void> {
    try {
      using inside = RouteClient.open(netnsPath);
      await deleteLinkIfThere(inside, ifname);
    } catch (error) {
      if (!isErrno(error, 'ENOENT')) throw error;
    }
  }

  /** In Docker's words: whoever passes a parent through has it alone, and ipvlan networks do not share one. */
  #refuseShared(spec: NetworkSpec, parent: ParentSpec, others: readonly NetworkSpec[]): void {
    const other = others.find((candidate) => candidate.parent?.device === parent.device);
    if (other === undefined) return;
    const { device } = parent;
    if (spec.driver === 'ipvlan' || other.driver === 'ipvlan') {
      throw conflict(`network ${other.id} is already using parent interface ${device}`);
    }
    if (parent.mode === 'passthru') {
      throw conflict(
        `cannot use mode passthru, macvlan network ${other.id} is already using parent interface ${device}`,
      );
    }
    if (other.parent?.mode === 'passthru') {
      throw conflict(
        `macvlan network ${other.id} is already using parent interface ${device} in mode passthru`,
      );
    }
  }

  /** Where the kernel has no dummy links an ifb will do: what is sent to it and was not redirected is dropped (drivers/net/ifb.c). */
  #addDummy(name: string): Link {
    try {
      return this.#route.addLink({ kind: 'dummy', name });
    } catch (error) {
      if (!isErrno(error, 'EOPNOTSUPP')) throw error;
    }
    return this.#add(() => this.#route.addLink({ kind: 'ifb', name }), 'CONFIG_DUMMY or CONFIG_IFB');
  }

  #addVlan(device: string): Link {
    const { parent, id } = vlanOf(device, (name) => this.#route.findLink(name) !== undefined);
    const below = this.#route.link(parent);
    return this.#add(
      () => this.#route.addLink({ kind: 'vlan', name: device, parent: below.index, id }),
      'CONFIG_VLAN_8021Q',
    );
  }

  /** EOPNOTSUPP: the kernel does not know the kind of link (net/core/rtnetlink.c). */
  #add(add: () => Link, needs = `CONFIG_${this.name.toUpperCase()}`): Link {
    try {
      return add();
    } catch (error) {
      if (!isErrno(error, 'EOPNOTSUPP')) throw error;
      throw new BridgeportError(
        'unavailable',
        `${messageOf(error)}: this kernel (${release()}) cannot, it needs ${needs}`,
        { cause: error, errno: 'EOPNOTSUPP' },
      );
    }
  }
}

/** Says what the kernel means by its refusal (macvlan_common_newlink() in drivers/net/macvlan.c, ipvlan_link_new() likewise). */
function inWords<T>(device: string, mode: ParentSpec['mode'], add: () => T): T {
  try {
    return add();
  } catch (error) {
    const why = isErrno(error, 'EBUSY')
      ? `${device} is a port of a bridge or a bond, or has interfaces of another kind on it`
      : isErrno(error, 'EINVAL') && mode === 'passthru'
        ? `in mode passthru ${device} has room for one container, and there is one`
        : undefined;
    if (why === undefined) throw error;
    throw conflict(`${messageOf(error)}: ${why}`, { cause: error, errno: (error as BridgeportError).errno });
  }
}

function parentOf({ name, parent }: NetworkSpec): ParentSpec {
  if (parent === undefined) throw new BridgeportError('internal', `network ${name} has no parent`);
  return parent;
}
