/** What the embedded resolver has counted. Pure. */

import { family, type MetricFamily, single } from './exposition.ts';
import { histogramFamily } from './histogram.ts';

/** The resolver's own counters, as far as they are shown. */
export interface DnsCounters {
  readonly sandboxes: number;
  readonly queries: { readonly udp: number; readonly tcp: number };
  readonly local: number;
  readonly forwarded: number;
  readonly malformed: number;
  /** Answers by the number of their code. */
  readonly rcodes: Readonly<Record<number, number>>;
  readonly faults: number;
  readonly forward: {
    readonly cacheHits: number;
    readonly cacheMisses: number;
    readonly cacheEntries: number;
    readonly coalesced: number;
    readonly overLimit: number;
    readonly unanswered: number;
  };
  readonly upstreams: readonly DnsUpstreamCounters[];
}

export interface DnsUpstreamCounters {
  readonly address: string;
  readonly port: number;
  /** Asked from the daemon's network, or from a container's. */
  readonly from: 'host' | 'container';
  readonly sent: number;
  readonly answered: number;
  readonly failed: number;
  readonly late: number;
  readonly unreachable: number;
  readonly suspect: boolean;
  /** In milliseconds; `counts` are by the bounds that the resolver names, one more for those above. */
  readonly latency: { readonly counts: readonly number[]; readonly sum: number };
}

/** RFC 1035 (4.1.1), RFC 2136; others are shown by number. */
const RCODE_NAMES: Readonly<Record<number, string>> = {
  0: 'NOERROR',
  1: 'FORMERR',
  2: 'SERVFAIL',
  3: 'NXDOMAIN',
  4: 'NOTIMP',
  5: 'REFUSED',
};

/** @param bounds milliseconds, of the upstreams' latency */
export function dnsFamilies(dns: DnsCounters, bounds: readonly number[]): MetricFamily[] {
  const { forward } = dns;
  return [
    single('gauge', 'bridgeport_dns_sandboxes', 'Network namespaces that are served.', dns.sandboxes),
    family(
      'counter',
      'bridgeport_dns_queries_total',
      'Queries of containers.',
      [
        { protocol: 'udp', value: dns.queries.udp },
        { protocol: 'tcp', value: dns.queries.tcp },
      ],
      ({ protocol, value }) => ({ labels: { protocol }, value }),
    ),
    family(
      'counter',
      'bridgeport_dns_answers_total',
      'Answers by their code; SERVFAIL and REFUSED are failures.',
      Object.entries(dns.rcodes),
      ([code, value]) => ({ labels: { code: RCODE_NAMES[Number(code)] ?? code }, value }),
    ),
    family(
      'counter',
      'bridgeport_dns_resolved_total',
      'Queries by who could answer: local (names of containers), cache, or an upstream.',
      [
        { by: 'local', value: dns.local },
        { by: 'cache', value: forward.cacheHits },
        { by: 'upstream', value: forward.cacheMisses },
      ],
      ({ by, value }) => ({ labels: { by }, value }),
    ),
    family(
      'counter',
      'bridgeport_dns_failures_total',
      'Queries that failed: unanswered (no upstream answered), over_limit (too many at once), malformed, fault (of ours).',
      [
        { reason: 'unanswered', value: forward.unanswered },
        { reason: 'over_limit', value: forward.overLimit },
        { reason: 'malformed', value: dns.malformed },
        { reason: 'fault', value: dns.faults },
      ],
      ({ reason, value }) => ({ labels: { reason }, value }),
    ),
    single('gauge', 'bridgeport_dns_cache_entries', 'Answers kept now.', forward.cacheEntries),
    ...upstreamFamilies(dns.upstreams, bounds),
  ];
}

function upstreamFamilies(
  upstreams: readonly DnsUpstreamCounters[],
  bounds: readonly number[],
): MetricFamily[] {
  const rows = joinUpstreams(upstreams, bounds.length + 1);
  return [
    family(
      'counter',
      'bridgeport_dns_upstream_queries_total',
      'Queries sent to the name server.',
      rows,
      ({ labels, sent }) => ({ labels, value: sent }),
    ),
    family(
      'counter',
      'bridgeport_dns_upstream_failures_total',
      'By reason: failed (SERVFAIL and the like), late (no answer in time), unreachable.',
      rows.flatMap(({ labels, failed, late, unreachable }) =>
        Object.entries({ failed, late, unreachable }).map(([reason, value]) => ({
          labels: { ...labels, reason },
          value,
        })),
      ),
      (row) => row,
    ),
    family(
      'gauge',
      'bridgeport_dns_upstream_suspect',
      '1: it does not answer, and others are asked first.',
      rows,
      ({ labels, suspect }) => ({ labels, value: suspect ? 1 : 0 }),
    ),
    histogramFamily(
      {
        name: 'bridgeport_dns_upstream_latency_seconds',
        help: 'Time to the answer of the name server.',
        bounds: bounds.map((bound) => bound / 1000),
      },
      rows.map(({ labels, counts, sum }) => ({ labels, counts, sum: sum / 1000 })),
    ),
  ];
}

/** Every container that names a server has counters of its own for it: one series per server is what a reader can use. */
function joinUpstreams(upstreams: readonly DnsUpstreamCounters[], buckets: number) {
  const joined = new Map<string, ReturnType<typeof emptyUpstream>>();
  for (const upstream of upstreams) {
    const server = `${upstream.address.includes(':') ? `[${upstream.address}]` : upstream.address}:${upstream.port}`;
    const key = `${server} ${upstream.from}`;
    const row = joined.get(key) ?? emptyUpstream({ server, from: upstream.from }, buckets);
    joined.set(key, row);
    row.sent += upstream.sent;
    row.failed += upstream.failed;
    row.late += upstream.late;
    row.unreachable += upstream.unreachable;
    row.suspect ||= upstream.suspect;
    row.counts = row.counts.map((count, index) => count + (upstream.latency.counts[index] ?? 0));
    row.sum += upstream.latency.sum;
  }
  return [...joined.values()];
}

function emptyUpstream(labels: { server: string; from: string }, buckets: number) {
  const counts = new Array<number>(buckets).fill(0);
  return { labels, sent: 0, failed: 0, late: 0, unreachable: 0, suspect: false, counts, sum: 0 };
}
