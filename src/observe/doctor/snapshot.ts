/**
 * What the doctor looks at: one reading of the host and of every sandbox. The checks are pure functions of it, so that each can be tried
 * without a kernel.
 */

import type { ProxyStats } from '../../base/proxy-control.ts';
import type { IptablesTables } from '../../kernel/iptables/index.ts';
import type { InterfaceAddress, Link, LocalSocket, Neighbour, Route } from '../../kernel/netlink/index.ts';
import type { ConntrackUse } from '../../kernel/proc/index.ts';
import type { Origin } from '../../network/firewall/index.ts';
import type { NetworkSpec, PortMapping } from '../../network/model/index.ts';
import type { FirewallName } from '../firewall/drops.ts';
import type { TopologyContainer } from '../topology/records.ts';

/** A part that may not be readable: calling it gives it, or throws what stood in the way. */
export type Reading<T> = () => T;

export interface Snapshot {
  readonly engine: EngineFacts;
  readonly firewall: FirewallName;
  readonly networks: readonly NetworkSpec[];
  /** All of them, running or not. */
  readonly containers: readonly TopologyContainer[];
  readonly host: Reading<HostFacts>;
  /** Of every container that has a network of its own and runs. */
  readonly sandboxes: readonly SandboxFacts[];
  readonly rules: Reading<RuleFacts>;
  /** `undefined`: the kernel tracks no connections. */
  readonly conntrack: Reading<ConntrackUse | undefined>;
  readonly ports: Reading<PortFacts>;
  readonly resolver: Reading<ResolverFacts>;
  /** Who answered for the address of a container on a bridge. */
  readonly claims: Reading<readonly AddressClaim[]>;
  readonly leftovers: Reading<readonly Leftover[]>;
}

export interface EngineFacts {
  /** Commands that have it put right what it made on the host: bridges, their addresses and ports, rules. */
  readonly repair: readonly string[];
  /** Containers run on meanwhile, and are put back on bridges that are made again. */
  readonly keepsContainers: boolean;
}

/** One network namespace. */
export interface NamespaceFacts {
  readonly links: readonly Link[];
  readonly addresses: readonly InterfaceAddress[];
  /** Of all tables. */
  readonly routes: readonly Route[];
}

export interface HostFacts extends NamespaceFacts {
  /** By name as `net/ipv4/ip_forward`; `undefined` where this kernel has no such setting. */
  readonly sysctl: (name: string) => string | undefined;
  /** Which way the host would send a packet, for each address of a container. */
  readonly waysTo: ReadonlyMap<string, Route | undefined>;
  /** Forwarding entries of bridges. */
  readonly forwarding: readonly Neighbour[];
}

export interface SandboxFacts {
  readonly container: TopologyContainer;
  /** Throws when the namespace cannot be entered. */
  readonly inside: Reading<NamespaceFacts>;
  /** Sockets that wait there; none of a container that publishes nothing. */
  readonly listeners: Reading<readonly LocalSocket[]>;
}

export interface RuleFacts {
  /** Rules of ours that the kernel does not have. */
  readonly missing: readonly MissingRule[];
  /** How many rules of ours there should be. */
  readonly wanted: number;
  /** As the programs of the firewall in force print them; empty with nftables. */
  readonly tables: ReadonlyMap<4 | 6, IptablesTables>;
  /** Of the older tables, if anything stands in them. */
  readonly legacy: ReadonlyMap<4 | 6, IptablesTables>;
  /** Chains of nftables that the kernel asks about forwarded packets, of tables that are not ours. */
  readonly foreign: readonly ForeignChain[];
  /** Our own rules as iptables prints them, `filter FORWARD -j DOCKER-USER`: to tell them from others'. */
  readonly ours: ReadonlySet<string>;
}

export interface MissingRule {
  readonly family: 4 | 6;
  /** `-t filter -A DOCKER …`, or the chain and text of an nftables rule. */
  readonly text: string;
  readonly origin: Origin | undefined;
}

export interface ForeignChain {
  /** `inet firewalld` */
  readonly table: string;
  readonly chain: string;
  readonly policy: 'accept' | 'drop';
  readonly rules: readonly string[];
  /** The text of the whole table: what it says of a bridge may be anywhere in it. */
  readonly tableText: string;
}

export interface PortFacts {
  /** `undefined`: no keeper runs. */
  readonly stats: ProxyStats | undefined;
  /** Mappings that somebody is to hold, and that the keeper does not. */
  readonly lost: readonly PortMapping[];
  readonly wanted: readonly PortMapping[];
}

export interface ResolverFacts {
  readonly upstreams: readonly UpstreamProbe[];
}

export interface UpstreamProbe {
  readonly address: string;
  readonly port: number;
  /** The container whose server it is; absent for those of the host. */
  readonly container?: { readonly id: string; readonly name: string };
  /** Milliseconds until any answer came; `undefined`: none came. */
  readonly answeredAfter: number | undefined;
  /** What the kernel said instead: `ECONNREFUSED`. */
  readonly errno?: string;
}

export interface AddressClaim {
  readonly address: string;
  readonly bridge: string;
  /** MAC addresses that answered, without repetition. */
  readonly macs: readonly string[];
}

export interface Leftover {
  readonly kind: 'namespace' | 'link' | 'mount';
  /** Its path, or the link's name. */
  readonly name: string;
}
