/**
 * A packet's way through a snapshot of a host: routes, chains, bridges, veth pairs, sockets, in the order in which the kernel asks
 * them. Nothing is sent, and nothing outside of the snapshot is looked at. One `Walk` is one connection: its first packet, and then the
 * answer, whose translation the namespaces on the way remember.
 *
 * ```
 * send ──▶ route ▶ OUTPUT ▶ POSTROUTING ─▶ link ─▶ (veth, bridge) ─▶ receive
 * receive ─▶ PREROUTING ▶ route ─┬▶ INPUT ▶ socket
 *                                └▶ FORWARD ▶ POSTROUTING ─▶ link …
 * ```
 */

import { Ip } from '../../../base/ip.ts';
import { copyPacket, type Packet, protocolNumber, sameSide } from '../packet.ts';
import { isOwnAddress, lookUpRoute, type RouteAnswer, sourceAddress } from '../routing.ts';
import type { Hook } from '../rulebook.ts';
import { type HostSnapshot, linkByName, type Namespace } from '../snapshot.ts';
import { outsideIpv6Loopback, outsideLoopback, unlawfulSource } from './admission.ts';
import { findPort, type Neighbour, neighbourOf, portCause } from './bridge.ts';
import type { Cause, End, Hop } from './hops.ts';
import { sharedParent } from './parents.ts';
import { HookTracker } from './passing.ts';
import { findSocket } from './sockets.ts';

/** More than any sensible way has; a routing loop ends here. */
const MAX_HOPS = 200;

/** A packet to be sent; without a source address the kernel chooses one. */
export interface Question extends Pick<Packet, 'family' | 'protocol' | 'destination'> {
  readonly direction?: Packet['direction'];
  readonly source: { readonly ip?: Ip | undefined; readonly port: number };
}

export class Walk {
  readonly hops: Hop[] = [];
  readonly #snapshot: HostSnapshot;
  readonly #tracker = new HookTracker();

  constructor(snapshot: HostSnapshot) {
    this.#snapshot = snapshot;
  }

  /** From a program in a namespace. */
  send(id: string, question: Question): End {
    const namespace = this.#namespace(id);
    const { family, protocol, destination, source, direction = 'original' } = question;
    const answer = lookUpRoute(namespace, {
      destination: destination.ip,
      source: source.ip,
      protocol: protocolNumber(question),
    });
    const ip = source.ip ?? sourceAddress(namespace, answer, destination.ip) ?? new Ip(family, 0n);
    const packet: Packet = {
      family,
      protocol,
      direction,
      destination,
      source: { ip, port: source.port },
      mark: 0,
    };
    this.#note(namespace, packet, { kind: 'sent' });
    const output = this.#output(namespace, packet, answer);
    if ('kind' in output) return output;
    packet.output = output.link;
    const before = { destination: packet.destination, mark: packet.mark };
    const refused = this.#pass(namespace, 'output', packet);
    if (refused !== undefined) return refused;
    // ip_route_me_harder(): another destination or mark is another way; the source stays.
    const changed = !sameSide(before.destination, packet.destination) || before.mark !== packet.mark;
    const way = changed ? this.#output(namespace, packet, this.#routeOf(namespace, packet)) : output;
    if ('kind' in way) return way;
    packet.output = way.link;
    return this.#postroute(namespace, packet, way);
  }

  /** From outside, by an interface of a namespace, to whose link-layer address it was sent. */
  enter(id: string, link: string, packet: Packet): End {
    const namespace = this.#namespace(id);
    this.#note(namespace, packet, { kind: 'entered', link });
    const found = linkByName(namespace, link);
    if (found?.up !== true) return this.#stop(namespace, packet, { kind: 'link-down', link, on: id });
    const shared = sharedParent(this.#snapshot, namespace, packet.destination.ip);
    if (shared !== undefined) return this.#unknown(namespace, packet, shared);
    const master = namespace.links.find(({ index }) => index === found.master);
    return this.#receive(namespace, packet, master?.name ?? found.name, {});
  }

  #output(namespace: Namespace, packet: Packet, answer: RouteAnswer): Way | End {
    const refused = this.#badRoute(namespace, packet, answer);
    if (refused !== undefined) return refused;
    if (answer.kind !== 'forward') return { link: 'lo', nextHop: packet.destination.ip };
    const { source } = packet;
    if (packet.family === 4 && source.ip.isLoopback && !namespace.sysctls.routeLocalnet(answer.output)) {
      const cause: Cause = { kind: 'loopback-outside', link: answer.output, address: source.ip };
      return this.#stop(namespace, packet, cause);
    }
    return { link: answer.output, nextHop: answer.nextHop };
  }

  #routeOf(namespace: Namespace, packet: Packet): RouteAnswer {
    return lookUpRoute(namespace, {
      destination: packet.destination.ip,
      source: packet.source.ip,
      input: packet.input,
      mark: packet.mark,
      protocol: protocolNumber(packet),
    });
  }

  /** Notes the route, and ends where there is none. */
  #badRoute(namespace: Namespace, packet: Packet, answer: RouteAnswer): End | undefined {
    const destination = packet.destination.ip;
    if (answer.kind === 'none') return this.#stop(namespace, packet, { kind: 'no-route', destination });
    if (answer.kind === 'refused') {
      return this.#stop(namespace, packet, { kind: 'refused-route', destination, type: answer.type });
    }
    if (answer.kind === 'unknown') return this.#unknown(namespace, packet, answer.because);
    const link = answer.kind === 'forward' ? linkByName(namespace, answer.output) : undefined;
    this.#note(namespace, packet, {
      kind: 'routed',
      answer,
      ...(link === undefined ? {} : { mtu: link.mtu }),
    });
    return undefined;
  }

  #postroute(namespace: Namespace, packet: Packet, way: Way): End {
    return this.#pass(namespace, 'postrouting', packet) ?? this.#transmit(namespace, packet, way);
  }

  /** Onto a link. */
  #transmit(namespace: Namespace, packet: Packet, { link: name, nextHop }: Way): End {
    if (this.hops.length > MAX_HOPS) return this.#unknown(namespace, packet, 'a loop');
    const link = linkByName(namespace, name);
    if (link === undefined || !link.up) {
      return this.#stop(namespace, packet, { kind: 'link-down', link: name, on: namespace.id });
    }
    if (link.loopback) return this.#receive(namespace, packet, name, { loopback: true });
    const mac = neighbourOf(namespace, link.index, nextHop);
    if (link.kind === 'bridge') {
      const port = findPort(this.#snapshot, namespace, link, { address: nextHop, mac });
      if (port.kind === 'nobody') {
        return this.#nobody(namespace, packet, name, { address: nextHop, mac });
      }
      if (port.kind === 'outside') return this.#leave(namespace, packet, port.link, nextHop);
      this.#note(namespace, packet, { kind: 'bridged', bridge: name, output: port.link.name });
      return this.#overWire(namespace, packet, port.link.name, { address: nextHop, mac });
    }
    if (!link.lowerUp) {
      return this.#stop(namespace, packet, { kind: 'no-carrier', link: name, on: namespace.id });
    }
    if (namespace.peers.has(link.index))
      return this.#overWire(namespace, packet, name, { address: nextHop, mac });
    const shared =
      sharedParent(this.#snapshot, namespace, nextHop, link) ??
      sharedParent(this.#snapshot, namespace, packet.destination.ip, link);
    if (shared !== undefined) return this.#unknown(namespace, packet, shared);
    return this.#leave(namespace, packet, name, nextHop);
  }

  /** Through a veth pair, whose near end may be a port of a bridge. */
  #overWire(namespace: Namespace, packet: Packet, name: string, target: Neighbour): End {
    const link = linkByName(namespace, name);
    const cause = link === undefined ? undefined : portCause(namespace.id, link);
    if (cause !== undefined) return this.#stop(namespace, packet, cause);
    const peer = link && namespace.peers.get(link.index);
    const other = peer && this.#snapshot.namespaces.get(peer.namespace);
    const far = other?.links.find(({ index }) => index === peer?.link);
    if (other === undefined || far === undefined) return this.#leave(namespace, packet, name, target.address);
    this.#note(namespace, packet, { kind: 'wire', link: name, to: { namespace: other.id, link: far.name } });
    if (!far.up) return this.#stop(other, packet, { kind: 'link-down', link: far.name, on: other.id });
    const bridge = other.links.find(({ index, kind }) => index === far.master && kind === 'bridge');
    if (bridge === undefined) {
      // Whoever has the frame's address takes it; a wire without a bridge has two ends only.
      const mine = target.mac === undefined ? isOwnAddress(other, target.address) : target.mac === far.mac;
      if (!mine) return this.#nobody(namespace, packet, name, target);
      return this.#receive(other, packet, far.name, {});
    }
    return this.#intoBridge(other, packet, { bridge: bridge.name, port: far.name }, target);
  }

  /** A frame arrives at a port of a bridge. */
  #intoBridge(
    namespace: Namespace,
    packet: Packet,
    at: { bridge: string; port: string },
    target: Neighbour,
  ): End {
    const [bridge, port] = [linkByName(namespace, at.bridge), linkByName(namespace, at.port)];
    if (bridge === undefined || port === undefined) return this.#unknown(namespace, packet, at.bridge);
    // Its ports are disabled with it.
    if (!bridge.up)
      return this.#stop(namespace, packet, { kind: 'link-down', link: at.bridge, on: namespace.id });
    const blocked = portCause(namespace.id, port);
    if (blocked !== undefined) return this.#stop(namespace, packet, blocked);
    // eth_type_trans(), br_handle_frame(): also for the port's own address, which the bridge's may once have been.
    const mine =
      target.mac === undefined
        ? isOwnAddress(namespace, target.address)
        : [bridge.mac, port.mac].includes(target.mac);
    const { family } = packet;
    const calls =
      namespace.sysctls.bridgeCallsFirewall(family) ||
      (family === 4 ? bridge.bridge?.nfCallIptables : bridge.bridge?.nfCallIp6tables) === true;
    if (!calls) {
      if (!mine) return this.#acrossBridge(namespace, packet, at, target, false);
      this.#note(namespace, packet, { kind: 'bridged', bridge: at.bridge, input: at.port });
      return this.#receive(namespace, packet, at.bridge, {});
    }
    packet.input = at.bridge;
    packet.output = undefined;
    packet.bridgeInput = at.port;
    if (mine) this.#note(namespace, packet, { kind: 'bridged', bridge: at.bridge, input: at.port });
    const before = packet.destination;
    const refused = this.#pass(namespace, 'prerouting', packet, !mine);
    if (refused !== undefined) return refused;
    if (!sameSide(before, packet.destination)) {
      // br_nf_pre_routing_finish(): translated to a neighbour on this very bridge, it is bridged and not routed.
      const answer = this.#routeOf(namespace, packet);
      if (answer.kind === 'forward' && answer.output === at.bridge) {
        const mac = neighbourOf(namespace, bridge.index, answer.nextHop);
        return this.#acrossBridge(namespace, packet, at, { address: answer.nextHop, mac }, true);
      }
      return this.#route(namespace, packet, at.bridge);
    }
    return mine
      ? this.#route(namespace, packet, at.bridge)
      : this.#acrossBridge(namespace, packet, at, target, true);
  }

  /** From port to port. `filtered`: br_netfilter shows it to the chains of FORWARD and POSTROUTING. */
  #acrossBridge(
    namespace: Namespace,
    packet: Packet,
    at: { bridge: string; port: string },
    target: Neighbour,
    filtered: boolean,
  ): End {
    const [bridge, from] = [linkByName(namespace, at.bridge), linkByName(namespace, at.port)];
    if (bridge === undefined || from === undefined) return this.#unknown(namespace, packet, at.bridge);
    const found = findPort(this.#snapshot, namespace, bridge, target);
    if (found.kind === 'nobody') {
      return this.#nobody(namespace, packet, at.bridge, target);
    }
    const output = found.kind === 'outside' ? found.link : found.link.name;
    if (output === at.port && from.bridgePort?.hairpin !== true) {
      return this.#stop(namespace, packet, { kind: 'hairpin-off', link: at.port });
    }
    if (from.bridgePort?.isolated === true && linkByName(namespace, output)?.bridgePort?.isolated === true) {
      return this.#stop(namespace, packet, { kind: 'ports-isolated', link: at.port });
    }
    this.#note(namespace, packet, { kind: 'bridged', bridge: at.bridge, input: at.port, output });
    if (filtered) {
      packet.output = at.bridge;
      packet.bridgeOutput = output;
      const refused = this.#pass(namespace, 'forward', packet, true);
      if (refused !== undefined) return refused;
      // br_nf_post_routing() names no interface that it came by.
      packet.input = undefined;
      const late = this.#pass(namespace, 'postrouting', packet, true);
      if (late !== undefined) return late;
    }
    if (found.kind === 'outside') return this.#leave(namespace, packet, output, target.address);
    return this.#overWire(namespace, packet, output, target);
  }

  /** An interface hands the packet to IP. */
  #receive(
    namespace: Namespace,
    packet: Packet,
    link: string,
    { loopback = false }: { loopback?: boolean },
  ): End {
    packet.input = link;
    packet.output = undefined;
    delete packet.bridgeInput;
    delete packet.bridgeOutput;
    const outside = loopback ? undefined : outsideIpv6Loopback(packet, link);
    if (outside !== undefined) return this.#stop(namespace, packet, outside);
    const refused = this.#pass(namespace, 'prerouting', packet);
    if (refused !== undefined) return refused;
    // What was sent here keeps the route that it was sent by.
    return loopback ? this.#deliver(namespace, packet) : this.#route(namespace, packet, link);
  }

  #route(namespace: Namespace, packet: Packet, link: string): End {
    const outside = outsideLoopback(namespace, packet, link);
    if (outside !== undefined) return this.#stop(namespace, packet, outside);
    const answer = this.#routeOf(namespace, packet);
    const { family } = packet;
    const forwards = namespace.sysctls.forwarding(family, link);
    if (answer.kind !== 'local' && !forwards) {
      return this.#stop(namespace, packet, { kind: 'forwarding-off', family, link });
    }
    const refused = this.#badRoute(namespace, packet, answer);
    if (refused !== undefined) return refused;
    const unlawful = family === 4 ? unlawfulSource(namespace, packet, link) : undefined;
    if (unlawful !== undefined) return this.#stop(namespace, packet, unlawful);
    if (answer.kind !== 'forward') return this.#deliver(namespace, packet);
    packet.output = answer.output;
    const dropped = this.#pass(namespace, 'forward', packet);
    if (dropped !== undefined) return dropped;
    return this.#postroute(namespace, packet, { link: answer.output, nextHop: answer.nextHop });
  }

  #deliver(namespace: Namespace, packet: Packet): End {
    const refused = this.#pass(namespace, 'input', packet);
    if (refused !== undefined) return refused;
    if (packet.direction === 'reply') {
      this.#note(namespace, packet, { kind: 'arrived' });
      return { kind: 'delivered', namespace: namespace.id, packet };
    }
    const answer = findSocket(namespace, packet);
    if (answer.kind === 'none') return this.#stop(namespace, packet, answer.cause);
    if (answer.kind === 'unknown') return this.#unknown(namespace, packet, packet.protocol);
    const found = answer.kind === 'found' ? { socket: answer.socket } : {};
    this.#note(namespace, packet, { kind: 'arrived', ...found });
    return { kind: 'delivered', namespace: namespace.id, packet, ...found };
  }

  /** Undefined: it may go on. */
  #pass(namespace: Namespace, hook: Hook, packet: Packet, bridged = false): End | undefined {
    const { hops, cause } = this.#tracker.pass(namespace, hook, packet, bridged);
    this.hops.push(...hops);
    return cause && this.#stop(namespace, packet, cause);
  }

  #leave(namespace: Namespace, packet: Packet, link: string, nextHop: Ip): End {
    this.#note(namespace, packet, { kind: 'left', link, nextHop });
    return { kind: 'left', namespace: namespace.id, packet, link };
  }

  #nobody(namespace: Namespace, packet: Packet, link: string, { address, mac }: Neighbour): End {
    return this.#stop(namespace, packet, {
      kind: 'nobody-there',
      link,
      address,
      ...(mac === undefined ? {} : { mac }),
    });
  }

  #stop({ id }: Namespace, packet: Packet, cause: Cause): End {
    return { kind: 'stopped', namespace: id, packet, cause };
  }

  #unknown({ id }: Namespace, packet: Packet, because: string): End {
    return { kind: 'unknown', namespace: id, packet, because };
  }

  #note(namespace: Namespace, packet: Packet, hop: HopOf): void {
    this.hops.push({ ...hop, namespace: namespace.id, packet: copyPacket(packet) } as Hop);
  }

  #namespace(id: string): Namespace {
    const found = this.#snapshot.namespaces.get(id);
    if (found === undefined) throw new Error(`walk: no namespace ${id}`);
    return found;
  }
}

interface Way {
  readonly link: string;
  readonly nextHop: Ip;
}

/** A hop without what every hop has. */
type HopOf = Hop extends infer H ? (H extends Hop ? Omit<H, 'namespace' | 'packet'> : never) : never;
