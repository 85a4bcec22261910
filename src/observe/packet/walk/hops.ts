/** What a walk through the model tells: every step of a packet, and how it ends. */

import type { Ip } from '../../../base/ip.ts';
import type { LocalSocket } from '../../../kernel/netlink/index.ts';
import type { Doubt, Hit, Outcome, Translation } from '../evaluate.ts';
import type { Packet } from '../packet.ts';
import type { RouteAnswer } from '../routing.ts';
import type { Hook, Rule, RuleChain } from '../rulebook.ts';

/** `namespace` is the id of the one where it happens; `packet` is what the packet is like when the step begins. */
export type Hop = { readonly namespace: string; readonly packet: Packet } & (
  | { readonly kind: 'sent' }
  /** From outside of every namespace that is known. */
  | { readonly kind: 'entered'; readonly link: string }
  | { readonly kind: 'routed'; readonly answer: RouteAnswer; readonly mtu?: number }
  | {
      readonly kind: 'asked';
      readonly hook: Hook;
      /** It stays on its bridge, and br_netfilter shows it to the firewall. */
      readonly bridged: boolean;
      readonly hits: readonly Hit[];
      readonly doubts: readonly Doubt[];
      readonly outcome: Outcome;
    }
  /** Undone for an answer by connection tracking, without a rule. */
  | { readonly kind: 'translated-back'; readonly change: Translation }
  /** Over a veth pair into another namespace. */
  | {
      readonly kind: 'wire';
      readonly link: string;
      readonly to: { readonly namespace: string; readonly link: string };
    }
  /** `output` is absent where the bridge hands it to its host. */
  | { readonly kind: 'bridged'; readonly bridge: string; readonly input?: string; readonly output?: string }
  | { readonly kind: 'arrived'; readonly socket?: LocalSocket }
  | { readonly kind: 'left'; readonly link: string; readonly nextHop: Ip }
);

/** Why a packet got no further. */
export type Cause =
  | { readonly kind: 'rule'; readonly rule: Rule; readonly hook: Hook; readonly outcome: Outcome }
  | { readonly kind: 'policy'; readonly chain: RuleChain; readonly hook: Hook }
  | { readonly kind: 'no-route'; readonly destination: Ip }
  | { readonly kind: 'refused-route'; readonly destination: Ip; readonly type: string }
  /** The namespace forwards nothing that comes in by this interface. */
  | { readonly kind: 'forwarding-off'; readonly family: 4 | 6; readonly link: string }
  /** `rp_filter`: the route back to the source leaves by another interface, or there is none. */
  | { readonly kind: 'reverse-path'; readonly link: string; readonly source: Ip; readonly back?: string }
  /** A loopback address on a real interface, without `route_localnet`. */
  | { readonly kind: 'loopback-outside'; readonly link: string; readonly address: Ip }
  /** It carries an address of the receiver's own as its source. */
  | { readonly kind: 'own-source'; readonly link: string; readonly address: Ip }
  | { readonly kind: 'link-down'; readonly link: string; readonly on: string }
  /** `IFF_UP` but without carrier: the other end is down, or gone. */
  | { readonly kind: 'no-carrier'; readonly link: string; readonly on: string }
  /** Spanning tree: disabled, listening, learning, blocking. */
  | { readonly kind: 'port-blocked'; readonly link: string; readonly state: number }
  /** `mac`: what a neighbour entry made by hand says that the address is at. */
  | { readonly kind: 'nobody-there'; readonly link: string; readonly address: Ip; readonly mac?: string }
  /** It would have to go back by the port it came from. */
  | { readonly kind: 'hairpin-off'; readonly link: string }
  | { readonly kind: 'ports-isolated'; readonly link: string }
  | { readonly kind: 'no-socket'; readonly port: number }
  /** Something listens on the port, and not on this address. */
  | { readonly kind: 'other-address'; readonly port: number; readonly sockets: readonly LocalSocket[] }
  /** An answer that comes from another address or port than was asked. */
  | { readonly kind: 'answer-from-elsewhere'; readonly from: Ip; readonly expected: Ip }
  | { readonly kind: 'answer-to-elsewhere'; readonly at: string };

export type End = { readonly namespace: string; readonly packet: Packet } & (
  | { readonly kind: 'delivered'; readonly socket?: LocalSocket }
  /** Out of everything that is known, by this link. */
  | { readonly kind: 'left'; readonly link: string }
  | { readonly kind: 'stopped'; readonly cause: Cause }
  | { readonly kind: 'unknown'; readonly because: string }
);
