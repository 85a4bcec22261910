/**
 * The embedded resolver: one per daemon, answering at 127.0.0.11 port 53 inside every sandbox that is on a user-defined
 * network.
 *
 * Names of containers are answered from the zones, which the controller keeps up to date. Everything else goes to the
 * sandbox's own name servers (`--dns`) or to the host's. Nothing here outlives the daemon but the redirection of port 53 in
 * the sandboxes; while no daemon runs, questions get no answer, and clients ask again. The next daemon calls `serve()` for each
 * running sandbox, which takes about a millisecond each.
 */

import { messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { type NetnsHandle, openNetns } from '../../kernel/netns/index.ts';
import type { CacheLimits } from './forward/cache.ts';
import { type Clock, systemClock } from './forward/clock.ts';
import type { FlightTimes } from './forward/flight.ts';
import {
  type Client,
  Forwarder,
  type ForwardLimits,
  type ForwardMetrics,
  type Scope,
} from './forward/forwarder.ts';
import { Readiness } from './forward/readiness.ts';
import { SocketTransport } from './forward/socket-transport.ts';
import type { Transport } from './forward/transport.ts';
import { Upstream, type UpstreamMetrics, type UpstreamSpec } from './forward/upstream.ts';
import { truncate } from './message/answer.ts';
import { MESSAGE_LENGTH_MAX, RCODE, TYPE, UDP_LENGTH_DEFAULT } from './message/constants.ts';
import { type Query, readQuery } from './message/query.ts';
import { badQueryAnswer, errorAnswer } from './message/reply.ts';
import { Listener, type ListenMode } from './sandbox/listener.ts';
import { RESOLVER_ADDRESS } from './sandbox/redirect.ts';
import { answerLocally } from './zone/local.ts';
import {
  type CompiledView,
  compileView,
  type NetworkZone,
  type ZoneHost,
  Zones,
  type ZoneView,
} from './zone/zone.ts';

/** What a sandbox sees and whom it may ask. Plain data; may change while it is served. */
export interface DnsSandboxSettings extends ZoneView {
  /** It is on internal networks only: nobody is asked from the host's network on its behalf. */
  readonly internal: boolean;
  /** Its own name servers, in place of the host's. Absent: the host's (`setUpstreams()`). */
  readonly upstreams?: readonly UpstreamSpec[] | undefined;
  /**
   * False: names without a dot are never asked upstream. For containers whose resolv.conf sets ndots above 0: their search
   * list goes first. Default true.
   */
  readonly forwardSingleLabel?: boolean | undefined;
}

export interface DnsSandbox extends DnsSandboxSettings {
  readonly id: string;
  /** The namespace: its path, or a handle (which is opened anew by its path of `/proc`, and may be closed afterwards). */
  readonly netns: string | NetnsHandle;
}

export interface DnsServerOptions {
  readonly log: Log;
  /** The host's name servers. Default none: see `setUpstreams()`. */
  readonly upstreams?: readonly UpstreamSpec[];
  /** Seconds that clients may keep names of containers, whose addresses may change at any time. Default 10. */
  readonly localTtl?: number;
  readonly limits?: Partial<ForwardLimits>;
  readonly cache?: Partial<CacheLimits>;
  readonly times?: Partial<FlightTimes>;
  /** For tests. */
  readonly clock?: Clock;
  readonly transport?: Transport;
}

/** Counted since the daemon started. Plain data. */
export interface DnsMetrics {
  readonly sandboxes: number;
  readonly queries: { readonly udp: number; readonly tcp: number };
  /** Answered from the zones. */
  readonly local: number;
  /** Handed to the cache or to upstreams. */
  readonly forwarded: number;
  /** No query at all, or one that is not understood. */
  readonly malformed: number;
  /** Answers by their code: `{ 0: 12, 3: 1 }`. Those of extended codes count by their lower four bits. */
  readonly rcodes: Readonly<Record<number, number>>;
  /** Faults of ours while answering. */
  readonly faults: number;
  readonly forward: ForwardMetrics;
  /** The host's name servers, then those of sandboxes; of each list by an id of its own, which configuring it anew changes. */
  readonly upstreams: ReadonlyArray<UpstreamMetrics & { readonly scope: string }>;
}

interface Served {
  readonly id: string;
  readonly netns: NetnsHandle;
  readonly listener: Listener;
  readonly client: Client;
  view: CompiledView;
  settings: DnsSandboxSettings;
  /** Of its own; otherwise the host's. */
  scope: Scope | undefined;
}

export class DnsServer implements Disposable {
  readonly #log: Log;
  readonly #localTtl: number;
  readonly #readiness: Readiness;
  readonly #sockets: SocketTransport;
  readonly #forwarder: Forwarder;
  readonly #zones = new Zones();
  readonly #sandboxes = new Map<string, Served>();
  readonly #scratch = Buffer.allocUnsafeSlow(MESSAGE_LENGTH_MAX);
  #hostScope: Scope;
  readonly #nowhere: Scope = { id: 'nowhere', servers: [] };
  /** Makes the ids of scopes unique. */
  #generation = 0;
  #udp = 0;
  #tcp = 0;
  #local = 0;
  #forwarded = 0;
  #malformed = 0;
  #faults = 0;
  readonly #rcodes: number[] = [];

  constructor(options: DnsServerOptions) {
    this.#log = options.log;
    this.#localTtl = options.localTtl ?? 10;
    this.#readiness = new Readiness({ onFault: (error) => this.#onFault(error) });
    const { clock = systemClock, limits, cache, times } = options;
    this.#sockets = new SocketTransport({ readiness: this.#readiness });
    this.#forwarder = new Forwarder({
      transport: options.transport ?? this.#sockets,
      clock,
      ...(limits && { limits }),
      ...(cache && { cache }),
      ...(times && { times }),
    });
    this.#hostScope = this.#makeScope('host', options.upstreams ?? []);
  }

  /**
   * Starts to answer in a sandbox; again: changes its settings. Call it before the container's process exists, so that its
   * first question is answered, and for every running sandbox when the daemon starts.
   *
   * @returns whether port 53 is left to the container (`redirect`) or held by us (`direct`: the kernel has no nftables)
   * @throws errno errors when the namespace cannot be opened or bound in; nothing is left behind then
   */
  serve(sandbox: DnsSandbox): ListenMode {
    const running = this.#sandboxes.get(sandbox.id);
    if (running !== undefined) {
      this.configure(sandbox.id, sandbox);
      return running.listener.mode;
    }
    const netns = openNetns(
      typeof sandbox.netns === 'string' ? sandbox.netns : `/proc/self/fd/${sandbox.netns.fd}`,
    );
    let listener: Listener;
    try {
      listener = new Listener(
        {
          netns,
          readiness: this.#readiness,
          log: this.#log.child({ sandbox: sandbox.id }),
          onMessage: (message, protocol, respond) => this.#onMessage(sandbox.id, message, protocol, respond),
        },
        this.#scratch,
      );
    } catch (error) {
      netns.close();
      throw error;
    }
    const served: Served = {
      id: sandbox.id,
      netns,
      listener,
      client: { pending: 0 },
      view: compileView(sandbox),
      settings: sandbox,
      scope: undefined,
    };
    served.scope = this.#ownScope(served);
    this.#sandboxes.set(sandbox.id, served);
    return listener.mode;
  }

  /** Changes what a sandbox sees: it joined or left a network. Unknown sandboxes are ignored. */
  configure(id: string, settings: DnsSandboxSettings): void {
    const served = this.#sandboxes.get(id);
    if (served === undefined) return;
    const { upstreams, internal } = served.settings;
    served.settings = settings;
    served.view = compileView(settings);
    if (JSON.stringify([upstreams, internal]) === JSON.stringify([settings.upstreams, settings.internal]))
      return;
    const before = served.scope;
    served.scope = this.#ownScope(served);
    if (before !== undefined) this.#forwarder.abort(before);
  }

  /**
   * Stops answering in a sandbox. Idempotent. The redirection stays: either the namespace goes now, or the sandbox is served
   * again later.
   */
  stop(id: string): void {
    const served = this.#sandboxes.get(id);
    if (served === undefined) return;
    this.#sandboxes.delete(id);
    served.listener.close();
    if (served.scope !== undefined) this.#forwarder.abort(served.scope);
    served.netns.close();
  }

  /** Adds a network, or replaces all that is known of it. */
  setNetwork(zone: NetworkZone): void {
    this.#zones.setNetwork(zone);
  }

  /** Idempotent. */
  removeNetwork(networkId: string): void {
    this.#zones.removeNetwork(networkId);
  }

  /** Adds an endpoint to a network that is known, or replaces it (a new address, a new name). */
  setHost(networkId: string, host: ZoneHost): void {
    this.#zones.setHost(networkId, host);
  }

  /** Idempotent. */
  removeHost(networkId: string, endpointId: string): void {
    this.#zones.removeHost(networkId, endpointId);
  }

  /** Names of a container, whether it runs or not: without a dot they are never asked upstream. Replaces what was said of it before. */
  reserveNames(containerId: string, names: Iterable<string>): void {
    this.#zones.reserve(containerId, names);
  }

  /** The host's name servers from now on. Unless they are the same as before, nothing that was said is remembered. */
  setUpstreams(upstreams: readonly UpstreamSpec[]): void {
    const plain = (list: ReadonlyArray<UpstreamSpec>) =>
      list.map(({ address, port = 53 }) => `${address} ${port}`);
    if (plain(upstreams).join() === plain(this.#hostScope.servers).join()) return;
    this.#hostScope = this.#makeScope('host', upstreams);
  }

  /** Whom a sandbox's questions go to, and whether those for one word do; `undefined` for one that is not served. */
  forwarding(id: string): { upstreams: readonly UpstreamSpec[]; singleLabels: boolean } | undefined {
    const served = this.#sandboxes.get(id);
    if (served === undefined) return undefined;
    const { servers } = this.#scopeOf(served);
    return {
      upstreams: servers.map(({ address, port, from }) => ({ address, port, from })),
      singleLabels: served.settings.forwardSingleLabel ?? true,
    };
  }

  metrics(): DnsMetrics {
    const scopes = [this.#hostScope, ...[...this.#sandboxes.values()].map((served) => served.scope)];
    return {
      sandboxes: this.#sandboxes.size,
      queries: { udp: this.#udp, tcp: this.#tcp },
      local: this.#local,
      forwarded: this.#forwarded,
      malformed: this.#malformed,
      rcodes: Object.fromEntries(this.#rcodes.entries().filter(([, count]) => count > 0)),
      faults: this.#faults,
      forward: this.#forwarder.metrics(),
      upstreams: scopes
        .filter((scope) => scope !== undefined)
        .flatMap(({ id, servers }) => servers.map((server) => ({ scope: id, ...server.metrics() }))),
    };
  }

  /** Stops everything. Idempotent. */
  [Symbol.dispose](): void {
    for (const id of [...this.#sandboxes.keys()]) this.stop(id);
    this.#forwarder.abort(this.#hostScope);
    this.#sockets[Symbol.dispose]();
    this.#readiness[Symbol.dispose]();
  }

  #onMessage(
    sandboxId: string,
    message: Buffer,
    protocol: 'udp' | 'tcp',
    respond: (answer: Buffer) => void,
  ): void {
    const count = (answer: Buffer) => {
      const rcode = answer[3]! & 0x0f;
      this.#rcodes[rcode] = (this.#rcodes[rcode] ?? 0) + 1;
      respond(answer);
    };
    try {
      if (protocol === 'udp') this.#udp++;
      else this.#tcp++;
      const answer = this.#answer(sandboxId, message, protocol, count);
      if (answer !== undefined) count(answer);
    } catch (error) {
      this.#onFault(error);
      try {
        if (message.length >= 12) count(badQueryAnswer(message, RCODE.SERVFAIL));
      } catch (second) {
        this.#onFault(second);
      }
    }
  }

  /** What can be said at once; `undefined`: `respond` is called later, or there is nothing to say. */
  #answer(
    sandboxId: string,
    message: Buffer,
    protocol: 'udp' | 'tcp',
    respond: (answer: Buffer) => void,
  ): Buffer | undefined {
    const served = this.#sandboxes.get(sandboxId);
    if (served === undefined) return undefined;
    const query = readQuery(message);
    if (query === undefined || 'rcode' in query) {
      this.#malformed++;
      return query && badQueryAnswer(message, query.rcode);
    }
    if ((query.edns?.version ?? 0) > 0) return errorAnswer(query, RCODE.BADVERS);
    const { type } = query.question;
    // Whole zones are not passed through: an answer of many messages.
    if (type === TYPE.AXFR || type === TYPE.IXFR) return errorAnswer(query, RCODE.REFUSED);
    const limit = limitOf(query, protocol);
    const local = answerLocally(this.#zones, served.view, query, {
      ttl: this.#localTtl,
      forwardSingleLabel: served.settings.forwardSingleLabel ?? true,
    });
    if (local !== undefined) {
      this.#local++;
      return local.length > limit ? truncate(local, limit) : local;
    }
    this.#forwarded++;
    this.#forwarder.ask(this.#scopeOf(served), served.client, query, limit, respond);
    return undefined;
  }

  #scopeOf({ scope, settings }: Served): Scope {
    return scope ?? (settings.internal ? this.#nowhere : this.#hostScope);
  }

  #ownScope({ id, netns, settings }: Served): Scope | undefined {
    const { upstreams, internal } = settings;
    if (upstreams === undefined) return undefined;
    const usable = upstreams.filter(({ address, from }) =>
      // Docker's rules: what internal networks can reach by themselves, they may ask. We are not our own upstream.
      from === 'host' ? !internal : address !== RESOLVER_ADDRESS,
    );
    const scope = this.#makeScope(id, usable, netns);
    for (const server of scope.servers) server.orFromHost = !internal;
    return scope;
  }

  #makeScope(name: string, upstreams: readonly UpstreamSpec[], netns?: NetnsHandle): Scope {
    const servers = upstreams.map((spec) => new Upstream(spec, netns));
    return { id: `${name}#${this.#generation++}`, servers };
  }

  #onFault(error: unknown): void {
    this.#faults++;
    this.#log.debug({ err: error }, `resolver: ${messageOf(error)}`);
  }
}

/** Bytes that the client takes. */
function limitOf({ edns }: Query, protocol: 'udp' | 'tcp'): number {
  return protocol === 'tcp' ? MESSAGE_LENGTH_MAX : (edns?.udpLength ?? UDP_LENGTH_DEFAULT);
}
