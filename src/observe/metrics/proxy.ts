/** Published ports, and what the port keeper has counted of them. Pure. */

import type { ProxyStats } from '../../base/proxy-control.ts';
import type { TopologyRecords } from '../topology/records.ts';
import { family, type MetricFamily, single } from './exposition.ts';

/** @param stats undefined while no keeper runs */
export function keeperFamilies(
  records: TopologyRecords,
  stats: ProxyStats | undefined,
  /** Local ports that connections may be given, `net.ipv4.ip_local_port_range`. */
  localPorts: number | undefined,
): MetricFamily[] {
  return [
    single('gauge', 'bridgeport_proxy_up', '1: the port keeper runs.', stats === undefined ? 0 : 1),
    single(
      'gauge',
      'bridgeport_local_ports',
      'Local ports that connections to one target may be given, by net.ipv4.ip_local_port_range.',
      localPorts,
    ),
    ...(stats === undefined ? [] : [...processFamilies(stats), ...tcpFamilies(stats), ...udpFamilies(stats)]),
    ...(stats === undefined ? [] : targetFamilies(records, stats, localPorts)),
  ];
}

export function publishedFamily(records: TopologyRecords): MetricFamily {
  const rows = records.containers().flatMap(({ name, sandbox }) => {
    const count = new Map<string, number>();
    for (const { proto, hostPort, hostPortEnd } of sandbox?.ports ?? []) {
      // Gateway mode `routed` binds no port of the host.
      if (hostPort === 0) continue;
      count.set(proto, (count.get(proto) ?? 0) + (hostPortEnd ?? hostPort) - hostPort + 1);
    }
    return [...count].map(([proto, value]) => ({ name, proto, value }));
  });
  return family(
    'gauge',
    'bridgeport_published_ports',
    'Ports of host addresses that are published for the container now; one for IPv4 and one for IPv6 are two.',
    rows,
    ({ name, proto, value }) => ({ labels: { container: name, protocol: proto }, value }),
  );
}

function processFamilies({ rssBytes, uptimeSeconds, descriptors, ports }: ProxyStats): MetricFamily[] {
  return [
    single(
      'gauge',
      'bridgeport_proxy_resident_memory_bytes',
      'Resident memory of the port keeper.',
      rssBytes,
    ),
    single('gauge', 'bridgeport_proxy_uptime_seconds', 'Age of the port keeper.', uptimeSeconds),
    single('gauge', 'bridgeport_proxy_bound_ports', 'Host ports that the keeper has bound now.', ports),
    single('gauge', 'bridgeport_proxy_open_files', 'Descriptors of the keeper now.', descriptors.open),
    single('gauge', 'bridgeport_proxy_open_files_limit', 'Descriptors it may have.', descriptors.limit),
  ];
}

function tcpFamilies({ tcp }: ProxyStats): MetricFamily[] {
  return [
    single('gauge', 'bridgeport_proxy_connections', 'TCP connections through the proxy now.', tcp.active),
    single(
      'counter',
      'bridgeport_proxy_accepted_connections_total',
      'TCP connections that the proxy accepted.',
      tcp.accepted,
    ),
    family(
      'counter',
      'bridgeport_proxy_connection_errors_total',
      'Connections that failed: connect (the target refused or was out of reach), reset (ended by a reset or an error).',
      [
        { reason: 'connect', value: tcp.connectFailed },
        { reason: 'reset', value: tcp.reset },
      ],
      ({ reason, value }) => ({ labels: { reason }, value }),
    ),
    single(
      'counter',
      'bridgeport_proxy_accept_pauses_total',
      'How often accepting paused for want of descriptors.',
      tcp.acceptPaused,
    ),
    family(
      'counter',
      'bridgeport_proxy_bytes_total',
      'Bytes of TCP connections that the proxy passed on.',
      [
        { direction: 'to_target', value: tcp.bytesToTarget },
        { direction: 'to_client', value: tcp.bytesToClient },
      ],
      ({ direction, value }) => ({ labels: { direction }, value }),
    ),
  ];
}

function udpFamilies({ udp }: ProxyStats): MetricFamily[] {
  return [
    single('gauge', 'bridgeport_proxy_udp_flows', 'UDP flows through the proxy now.', udp.active),
    single('counter', 'bridgeport_proxy_udp_flows_created_total', 'UDP flows that were made.', udp.created),
    single(
      'counter',
      'bridgeport_proxy_udp_flows_evicted_total',
      'UDP flows closed early because there were too many.',
      udp.evicted,
    ),
    family(
      'counter',
      'bridgeport_proxy_datagrams_total',
      'UDP datagrams: passed on in either direction, or given up.',
      [
        { outcome: 'to_target', value: udp.datagramsToTarget },
        { outcome: 'to_client', value: udp.datagramsToClient },
        { outcome: 'dropped', value: udp.dropped },
      ],
      ({ outcome, value }) => ({ labels: { outcome }, value }),
    ),
  ];
}

/** Targets that the keeper has connections to, or has left in TIME_WAIT. */
function targetFamilies(
  records: TopologyRecords,
  { targets }: ProxyStats,
  localPorts: number | undefined,
): MetricFamily[] {
  const owners = new Map(
    records
      .containers()
      .flatMap(({ name, sandbox }) => (sandbox?.ports ?? []).map(({ containerIp }) => [containerIp, name])),
  );
  const rows = targets.map((target) => {
    const address = /^\[?(.*?)\]?:\d+$/.exec(target.target)?.[1] ?? '';
    return { ...target, labels: { container: owners.get(address) ?? '', target: target.target } };
  });
  return [
    family(
      'gauge',
      'bridgeport_proxy_target_time_wait_ports',
      'Local ports in TIME_WAIT towards the target, left by connections of the proxy.',
      rows,
      ({ labels, timeWait }) => ({ labels, value: timeWait }),
    ),
    family(
      'gauge',
      'bridgeport_proxy_target_free_local_ports',
      'Local ports that new connections to the target can still have without taking one over from TIME_WAIT.',
      localPorts === undefined ? [] : rows,
      ({ labels, active, timeWait }) => ({
        labels,
        value: Math.max(0, (localPorts ?? 0) - active - timeWait),
      }),
    ),
    family(
      'counter',
      'bridgeport_proxy_target_reused_ports_total',
      'Connections that took a local port over from TIME_WAIT.',
      rows,
      ({ labels, reused }) => ({ labels, value: reused }),
    ),
    family(
      'counter',
      'bridgeport_proxy_target_exhausted_total',
      'Connections refused for want of a local port: should stay 0.',
      rows,
      ({ labels, exhausted }) => ({ labels, value: exhausted }),
    ),
  ];
}
