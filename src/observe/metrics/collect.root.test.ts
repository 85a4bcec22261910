import assert from 'node:assert/strict';
import { it } from 'node:test';
import { silentLog } from '../../base/log.ts';
import { intentOf } from '../../network/firewall/iptables/scenarios.testing.ts';
import { MetricsCollector } from './collect.ts';

/** Of an engine without anything; `saveIptables` is what the kernel tells of its rules. */
function collector(saveIptables: () => Promise<string>): MetricsCollector {
  return new MetricsCollector({
    version: '1.2.3',
    records: { networks: () => [], containers: () => [] },
    firewall: {
      name: 'iptables',
      intent: () => intentOf([]),
      counters: { saveIptables, listNftables: () => undefined },
    },
    daemon: undefined,
    log: silentLog,
  });
}

it('`collect()` leaves out what it cannot read, and says so', async () => {
  const text = await collector(() => Promise.reject(new Error('iptables-save is not there'))).collect();
  assert.ok(text.includes('bridgeport_scrape_success{part="firewall"} 0\n'), text);
  assert.ok(text.includes('bridgeport_scrape_success{part="containers"} 1\n'), text);
  assert.ok(!text.includes('bridgeport_firewall'), text);
});

it('`collect()` reads once for all who ask at the same time, and never counts a drop twice', async () => {
  let readings = 0;
  const drops = [7, 9];
  const both = collector(async () => {
    // IPv4, then IPv6.
    const packets = readings++ % 2 === 0 ? drops.shift() : undefined;
    return packets === undefined
      ? ''
      : `*filter\n:FORWARD ACCEPT [0:0]\n[${packets}:0] -A FORWARD -j DROP\nCOMMIT\n`;
  });
  const dropped = (text: string) => /dropped_packets_total\{.*\} (\d+)/.exec(text)?.[1];
  const [first, second] = await Promise.all([both.collect(), both.collect()]);
  assert.deepEqual([dropped(first), dropped(second), readings], ['7', '7', 2]);
  assert.deepEqual([dropped(await both.collect()), readings], ['9', 4]);
});
