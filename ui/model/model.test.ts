import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MapPort, Traffic } from '../../src/base/wire/index.ts';
import { syntheticMap } from '../testing/maps.ts';
import { neighbour } from './neighbour.ts';
import { portLines } from './ports.ts';
import { containersOf, shownNetworks, thingsOf } from './things.ts';
import { amount, ratesBetween, speed, wireWidth } from './traffic.ts';

const port = (fields: Partial<MapPort>): MapPort => ({
  hostIp: '0.0.0.0',
  hostPort: 8080,
  containerPort: 80,
  proto: 'tcp',
  ...fields,
});

test('`portLines()` writes addresses only where they tell something, and each line once', () => {
  const lines = portLines([
    port({}),
    port({ hostIp: '::' }),
    port({ hostIp: '127.0.0.1', hostPort: 53, containerPort: 53, proto: 'udp' }),
    port({ hostIp: '::1' }),
    port({ hostPort: 9000, hostPortEnd: 9009, containerPort: 7000 }),
    port({ hostPort: 0, containerPort: 443 }),
  ]);
  assert.deepEqual(lines, [
    '8080 → 80/tcp',
    '127.0.0.1:53 → 53/udp',
    '[::1]:8080 → 80/tcp',
    '9000-9009 → 7000-7009/tcp',
    '443/tcp',
  ]);
});

test('`thingsOf()` has each container once, however many networks it is on, and no network that nobody wired', () => {
  const map = syntheticMap({ containers: 40, networks: 4 });
  map.networks.push({ id: 'n', name: 'none', driver: 'null', subnets: [], options: {} });
  const things = thingsOf(map);
  const containers = [...things.values()].filter((thing) => thing.kind === 'container');
  assert.deepEqual(
    containers.map(({ container }) => container.name),
    Array.from({ length: 40 }, (_, at) => `web-${at}`),
  );
  assert.equal([...containersOf(map).values()].filter(({ endpoints }) => endpoints.length === 2).length, 2);
  assert.equal(shownNetworks(map).length, 4);
  const [first] = map.endpoints;
  assert.ok(first);
  map.endpoints.push({ ...first, networkId: 'n' });
  assert.equal(shownNetworks(map).length, 5);
});

test('`ratesBetween()` divides by the time between, and knows no rate of a link that was made again', () => {
  const traffic = (time: number, index: number, rxBytes: number): Traffic => ({
    time,
    links: [
      { name: 'a', index, rxBytes, txBytes: 0, rxPackets: 0, txPackets: 0, rxDropped: 1, txDropped: 2 },
    ],
  });
  const before = traffic(1000, 7, 100);
  assert.equal(ratesBetween(before, traffic(3000, 7, 5100)).get('a')?.rxBytes, 2500);
  assert.equal(ratesBetween(before, traffic(3000, 7, 5100)).get('a')?.dropped, 3);
  assert.equal(ratesBetween(before, traffic(3000, 8, 5100)).size, 0);
  assert.equal(ratesBetween(undefined, before).size, 0);
  assert.equal(ratesBetween(before, traffic(500, 7, 5100)).size, 0, 'another daemon’s clock');
  assert.equal(ratesBetween(before, traffic(2000, 7, 0)).get('a')?.rxBytes, 0, 'counters that were reset');
});

test('amounts keep two digits at least and three at most', () => {
  assert.deepEqual([0, 0.4, 1, 999, 999.6, 1234, 9940, 9960, 123_456, 1.5e6, 2e13].map(amount), [
    '0',
    '0',
    '1 B',
    '999 B',
    '1.0 kB',
    '1.2 kB',
    '9.9 kB',
    '10 kB',
    '123 kB',
    '1.5 MB',
    '20 TB',
  ]);
  assert.deepEqual([speed(0), speed(1500)], ['', '1.5 kB/s']);
});

test('a wire grows by the same step for every tenfold, and not without end', () => {
  const width = (rxBytes: number) => wireWidth({ rxBytes, txBytes: 0 });
  assert.equal(width(0), 1);
  assert.ok(Math.abs(width(1e6) - width(1e5) - (width(1e5) - width(1e4))) < 1e-9);
  assert.equal(width(1e12), 5);
});

test('`neighbour()` goes straight ahead before it goes aside, into a frame and out of it', () => {
  const place = (id: string, x: number, y: number, width = 10, height = 10) => ({ id, x, y, width, height });
  const places = [
    place('frame', 100, 0, 60, 60),
    place('inner', 100, 10),
    place('left', 0, 0),
    place('below', 0, 40),
    place('far', 200, 0),
  ];
  assert.equal(neighbour(places, 'left', [0, 1]), 'below');
  assert.equal(neighbour(places, 'left', [1, 0]), 'frame');
  assert.equal(neighbour(places, 'frame', [0, 1]), 'inner');
  assert.equal(neighbour(places, 'inner', [1, 0]), 'far');
  assert.equal(neighbour(places, 'left', [-1, 0]), undefined);
  assert.equal(neighbour(places, 'nobody', [1, 0]), undefined);
});
