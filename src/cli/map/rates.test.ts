import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { LinkTraffic } from '../../base/wire/traffic.ts';
import { displayWidth } from '../format/width.ts';
import { drawMap } from './draw.ts';
import type { NetworkMap } from './model.ts';
import { mirrored, ratesBetween, rateText } from './rates.ts';

const link = (index: number, name: string, rxBytes: number, txBytes: number): LinkTraffic => ({
  index,
  name,
  rxBytes,
  txBytes,
  rxPackets: 0,
  txPackets: 0,
  rxDropped: 0,
  txDropped: 0,
});

test('`ratesBetween()` gives bytes per second, and nothing for links that are not the same', () => {
  const before = { time: 1000, links: [link(1, 'a', 100, 0), link(2, 'b', 0, 0), link(3, 'c', 500, 0)] };
  const now = {
    time: 3000,
    links: [link(1, 'a', 2100, 5000), link(2, 'other', 9, 9), link(3, 'c', 4, 0), link(4, 'd', 1, 1)],
  };
  assert.deepEqual([...ratesBetween(before, now)], [[1, { received: 1000, sent: 2500 }]]);
  assert.equal(ratesBetween(now, now).size, 0);
  assert.equal(rateText(mirrored({ received: 1000, sent: 2500 })), '▼ 2.5kB/s   ▲ 1kB/s    ');
});

test('`drawMap()` shows rates at interfaces, bridges and containers, what the host sends being what a container receives', () => {
  const host = JSON.parse(readFileSync(new URL('./golden/host.json', import.meta.url), 'utf8')) as NetworkMap;
  const endpoint = host.endpoints.find(({ hostVeth }) => hostVeth?.index !== undefined);
  const nic = host.host.interfaces[0];
  assert.ok(endpoint?.hostVeth?.index !== undefined && nic?.index !== undefined);
  const rates = new Map([
    [endpoint.hostVeth.index, { received: 10, sent: 2000 }],
    [nic.index, { received: 3000, sent: 0 }],
  ]);
  const picture = drawMap(host, { width: 100, all: false, color: false, rates });
  assert.match(picture, /▼ 2kB\/s {5}▲ 10B\/s/);
  assert.match(picture, new RegExp(`${nic.name} .*▼ 3kB/s +▲ 0B/s`));
  assert.doesNotMatch(drawMap(host, { width: 100, all: false, color: false }), /B\/s/);
  for (const width of [40, 64, 100]) {
    for (const line of drawMap(host, { width, all: true, color: false, rates }).split('\n')) {
      assert.ok(displayWidth(line) <= width, `${width}: ${line}`);
    }
  }
});
