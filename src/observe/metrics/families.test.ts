import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { dnsFamilies } from './dns.ts';
import { renderMetrics } from './exposition.ts';
import { dns, everyFamily, records } from './families.testing.ts';
import { keeperFamilies } from './proxy.ts';
import { RunningSums } from './running-sums.ts';

const text = renderMetrics(everyFamily());
const has = (line: string) => assert.ok(text.split('\n').includes(line), `${line}\nis not among\n${text}`);

describe('families of metrics', () => {
  it('what the end of a pair on the host sends is what the container receives', () => {
    has(
      'bridgeport_container_network_receive_bytes_total{container="web",network="back",interface="eth0"} 200',
    );
    has(
      'bridgeport_container_network_transmit_bytes_total{container="web",network="back",interface="eth0"} 100',
    );
    has(
      'bridgeport_container_network_dropped_packets_total{container="web",network="back",interface="eth0",direction="receive"} 4',
    );
    // Without a pair (macvlan) the interface inside is read.
    has('bridgeport_container_network_receive_bytes_total{container="web",network="n2",interface="eth1"} 7');
    has('bridgeport_network_receive_bytes_total{network="back",interface="br-1"} 30');
  });

  it('targets of the proxy are told by the container, with the local ports that are left', () => {
    has('bridgeport_published_ports{container="web",protocol="tcp"} 4');
    has('bridgeport_proxy_target_free_local_ports{container="web",target="172.17.0.2:80"} 232');
    has('bridgeport_proxy_connection_errors_total{reason="connect"} 2');
    assert.ok(renderMetrics(keeperFamilies(records, undefined, 1)).includes('\nbridgeport_proxy_up 0\n'));
  });

  it('drops of one reason are added up, and rules of others have a reason too', () => {
    has(
      'bridgeport_firewall_dropped_packets_total{family="ipv4",reason="icc-drop",chain="filter X",network="back"} 3',
    );
    has(
      'bridgeport_firewall_dropped_bytes_total{family="ipv4",reason="foreign-rule",chain="filter INPUT",network=""} 200',
    );
  });

  it('a server that several containers ask is one series; answers are told by the name of their code', () => {
    has('bridgeport_dns_upstream_queries_total{server="192.0.2.53:53",from="container"} 4');
    has(
      'bridgeport_dns_upstream_latency_seconds_bucket{server="192.0.2.53:53",from="container",le="0.001"} 2',
    );
    has('bridgeport_dns_answers_total{code="NXDOMAIN"} 1');
    has('bridgeport_dns_answers_total{code="11"} 1');
  });

  it('a container that ends takes nothing of what its name server was asked', () => {
    const sums = new RunningSums();
    dnsFamilies(dns, [1, 2], sums);
    const left = renderMetrics(dnsFamilies({ ...dns, upstreams: dns.upstreams.slice(1) }, [1, 2], sums));
    assert.ok(
      left.includes('bridgeport_dns_upstream_queries_total{server="192.0.2.53:53",from="container"} 4\n'),
      left,
    );
    assert.ok(left.includes('latency_seconds_count{server="192.0.2.53:53",from="container"} 2\n'), left);
  });

  it('answers that last as long as somebody listens are counted and not timed', () => {
    has('bridgeport_api_requests_total{method="GET",route="/events",code="200"} 1');
    assert.ok(!/duration_seconds\w*\{[^}]*events/.test(text));
    has('bridgeport_api_request_duration_seconds_count{method="POST",route="/containers/{name}/start"} 1');
  });
});
