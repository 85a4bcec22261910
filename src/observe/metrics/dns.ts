/** What the embedded resolver has counted. */

import { hostPort } from '../../base/ip.ts';
import { family, type MetricFamily, single } from './exposition.ts';
import { histogramFamily } from './histogram.ts';
import type { RunningSums } from './running-sums.ts';

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
  /** Whose list of servers it is in: the host's, or that of one sandbox, as it was last configured. */
  readonly scope: string;
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

/**
 * @param bounds milliseconds, of the upstreams' latency
 * @param sums of name servers, over those who ask them
 */
export function dnsFamilies(dns: DnsCounters, bounds: readonly number[], sums: RunningSums): MetricFamily[] {
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
    ...upstreamFamilies(dns.upstreams, bounds, sums),
  ];
}

function upstreamFamilies(
  upstreams: readonly DnsUpstreamCounters[],
  bounds: readonly number[],
  sums: RunningSums,
): MetricFamily[] {
  const rows = joinUpstreams(upstreams, sums);
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
      rows.map(({ labels, counts, took }) => ({ labels, counts, sum: took / 1000 })),
    ),
  ];
}

/** Every container that names a server has counters of its own for it: one series per server is what a reader can use. */
function joinUpstreams(upstreams: readonly DnsUpstreamCounters[], sums: RunningSums) {
  const servers = new Map<string, { labels: { server: string; from: string }; suspect: boolean }>();
  const parts = upstreams.map(({ scope, address, port, from, suspect, latency, ...counted }) => {
    const server = hostPort(address, port);
    const sum = `${server} ${from}`;
    servers.set(sum, {
      labels: { server, from },
      suspect: suspect || (servers.get(sum)?.suspect ?? false),
    });
    const { sent, failed, late, unreachable } = counted;
    return {
      id: `${scope} ${sum}`,
      sum,
      values: [sent, failed, late, unreachable, latency.sum, ...latency.counts],
    };
  });
  return [...sums.add(parts)].map(([sum, [sent, failed, late, unreachable, took, ...counts]]) => ({
    ...servers.get(sum)!,
    sent,
    failed,
    late,
    unreachable,
    took: took ?? 0,
    counts,
  }));
}
