/**
 * The control protocol of the port keeper (`src/proxy`), the process that owns the host's side of all published ports.
 *
 * Transport: a Unix stream socket, mode 0600. Each request and each reply is one line of JSON in UTF-8; replies come in
 * the order of the requests and repeat their `seq`. The keeper does not depend on the connection: when it closes, ports
 * and connections stay, and the next client finds them with `list`.
 *
 * The types stand in `base` because both ends need them and neither may import the other.
 */

/**
 * V8's and Node's flags for the keeper. Its loop never returns to Node, so helper threads have nobody to hand their results
 * to: with code compiled in the background, a hot loop measured four times slower. (`--single-threaded` says all of it, but
 * makes Node refuse its own code cache, which costs 10 ms at start.) Marking in steps needs somebody who is idle between them:
 * here it took seconds, and what was allocated meanwhile, every connection of that time, stayed in memory for one more round;
 * and objects must not be put among the old because some like them once grew old. Without either the keeper stays at what is
 * in use, and collects the old ones (6 ms) next to never. SIGUSR1 would wait for an inspector that cannot answer.
 */
export const PROXY_NODE_FLAGS: readonly string[] = [
  '--no-concurrent-recompilation',
  '--single-threaded-gc',
  '--v8-pool-size=0',
  '--no-incremental-marking',
  '--no-allocation-site-pretenuring',
  '--expose-gc',
  '--disable-sigusr1',
  '--max-semi-space-size=1',
  '--max-old-space-size=256',
];

/** Grows by one whenever an older peer would misunderstand; `ping` tells it first. */
export const PROXY_CONTROL_VERSION = 2;

export type ProxyProtocol = 'tcp' | 'udp';

/**
 * - `forward`: what reaches the port is passed on to the target
 * - `hold`: the port is bound, so that nobody else gets it, but what reaches it is reset (TCP) or dropped (UDP):
 *   the kernel's NAT serves the port
 */
export type ProxyMode = 'forward' | 'hold';

/** One published port, or a range of them with equal offsets. */
export interface ProxyMapping {
  /** Chosen by the daemon, unique among the mappings of a keeper. */
  id: string;
  proto: ProxyProtocol;
  /** Address to listen on, IPv4 or IPv6; `0.0.0.0` and `::` for all of a family (`::` never takes IPv4). */
  hostIp: string;
  /** 1–65535, or 0 for a port of the kernel's choice (then no range). */
  hostPort: number;
  /** Last port of the range, inclusive; default `hostPort`. */
  hostPortEnd?: number;
  /** Where to connect; its family may differ from the host's. */
  targetIp: string;
  /** Target of `hostPort`; the target of `hostPort + n` is `targetPort + n`. */
  targetPort: number;
  mode: ProxyMode;
  /**
   * Begins each TCP connection to the target with a PROXY protocol v2 header, which tells it the client's address and port
   * and those the client spoke to. The target must expect it. Default false.
   */
  proxyProtocol?: boolean;
}

/** A mapping as it stands, with the ports that are really bound (they differ when `hostPort` was 0). */
export interface ProxyBinding {
  id: string;
  hostPort: number;
  hostPortEnd: number;
}

export type ProxyRequest =
  /** Is it alive, and which version does it speak? */
  | { op: 'ping' }
  /** Makes `mappings` the whole state: missing ones are opened, others closed, unchanged ones keep their connections. */
  | { op: 'set'; mappings: ProxyMapping[] }
  /**
   * Adds all of `mappings` or none. One that stands already as it is asked for is left alone. The mappings `instead` leave in the
   * same change: a port that goes from one to another stays bound, and what travels by it goes on when it leads to the same target.
   */
  | { op: 'add'; mappings: ProxyMapping[]; instead?: string[] }
  /** Closes the ports of these mappings and resets their connections; unknown ids are ignored. */
  | { op: 'remove'; ids: string[] }
  | { op: 'list' }
  /** Keeps these files (FIFOs) open for both directions until they are released; nothing is read or written. */
  | { op: 'hold'; id: string; paths: string[] }
  | { op: 'release'; ids: string[] }
  | { op: 'stats' }
  /** Closes everything and ends the process. */
  | { op: 'shutdown' };

export type ProxyOperation = ProxyRequest['op'];

/** What a successful reply carries, by operation. */
export interface ProxyResults {
  ping: ProxyIdentity;
  set: { bindings: ProxyBinding[] };
  add: { bindings: ProxyBinding[] };
  remove: { removed: number };
  list: { mappings: ProxyMapping[]; bindings: ProxyBinding[]; held: string[] };
  hold: Record<string, never>;
  release: Record<string, never>;
  stats: ProxyStats;
  shutdown: Record<string, never>;
}

export interface ProxyIdentity {
  version: number;
  pid: number;
}

/** Counters since the keeper started; gauges where it says "now". */
export interface ProxyStats {
  pid: number;
  uptimeSeconds: number;
  /** Resident memory now, bytes. */
  rssBytes: number;
  /** File descriptors of ports, connections and pipes now, and the most there may be. */
  descriptors: { open: number; limit: number };
  /** Host ports bound now. */
  ports: number;
  tcp: {
    /** Connections now. */
    active: number;
    accepted: number;
    /** The target refused, or could not be reached. */
    connectFailed: number;
    /** Ended by a reset or an error rather than by both sides closing. */
    reset: number;
    /** How often accepting paused for want of descriptors. */
    acceptPaused: number;
    bytesToTarget: number;
    bytesToClient: number;
  };
  udp: {
    /** Flows (client address and port) now. */
    active: number;
    created: number;
    /** Flows closed early because there were too many. */
    evicted: number;
    datagramsToTarget: number;
    datagramsToClient: number;
    /** Datagrams given up: no flow could be made, or the way was blocked. */
    dropped: number;
  };
  /** Targets that we have connections to, or that connections of ours left in TIME_WAIT in the last minute. */
  targets: ProxyTargetStats[];
}

/** The local ports that connections to one target use up. */
export interface ProxyTargetStats {
  /** `172.17.0.2:80`, `[fd00::2]:80`. */
  target: string;
  /** Connections to it now. */
  active: number;
  /** Local ports in TIME_WAIT towards the target now, as far as the keeper made them. */
  timeWait: number;
  /** Connections that took over a local port in TIME_WAIT. */
  reused: number;
  /** Connections refused for want of a local port: should stay 0. */
  exhausted: number;
}

/** Why a request failed. */
export interface ProxyFailure {
  /** `conflict`: a port is taken; `invalid`: the request is wrong; `internal`: the rest. */
  kind: 'conflict' | 'invalid' | 'internal';
  message: string;
  /** As errno(3) spells it: `EADDRINUSE`. */
  errno?: string;
  /** The port that could not be bound. */
  port?: { proto: ProxyProtocol; hostIp: string; hostPort: number };
  /** With `conflict`: that port and others of the request that are taken too, a thousand at most. */
  taken?: Array<NonNullable<ProxyFailure['port']>>;
}

export type ProxyReply<Op extends ProxyOperation = ProxyOperation> =
  | { seq: number; ok: true; result: ProxyResults[Op] }
  | { seq: number; ok: false; error: ProxyFailure };
