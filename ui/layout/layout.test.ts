import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NetworkMap } from '../../src/base/wire/index.ts';
import { segmentsOf } from '../graph/segments.ts';
import { en } from '../i18n/en.ts';
import { syntheticMap } from '../testing/maps.ts';
import { fromElk, toElk } from './elk.ts';
import { BOX } from './measures.ts';
import { type Outline, outlineOf } from './outline.ts';
import { arrangeRack, type Box, rowsFor } from './rack.ts';
import { type Scene, sceneOf } from './scene.ts';
import { Slots } from './slots.ts';

// The layout kernel itself, without a worker and without a browser.
const { default: ELK } = await import('elkjs');
const elk = new ELK.default();

const outline = (map: NetworkMap, slots = new Slots(), rowsBefore?: number): Outline =>
  outlineOf(map, { slots, rowsBefore, shares: en.shares });

async function draw(map: NetworkMap, slots?: Slots, rowsBefore?: number): Promise<Scene> {
  const drawn = outline(map, slots, rowsBefore);
  const places = fromElk(await elk.layout(toElk(drawn)), drawn);
  return sceneOf(map, drawn, places, { words: en, hueOf: () => 0 });
}

const overlap = (a: Box, b: Box) =>
  a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;

const corner = ({ x, y, width, height }: Box): Box => ({
  x: x - width / 2,
  y: y - height / 2,
  width,
  height,
});

test('`Slots` keep everybody’s place: who leaves leaves a hole, who comes fills it', () => {
  const slots = new Slots();
  assert.deepEqual(slots.assign('r', ['a', 'b', 'c']), ['a', 'b', 'c']);
  assert.deepEqual(slots.assign('r', ['a', 'c']), ['a', undefined, 'c']);
  assert.deepEqual(slots.assign('r', ['0', 'a', 'c']), ['a', '0', 'c']);
  assert.deepEqual(slots.assign('r', ['a']), ['a']);
  assert.deepEqual(slots.assign('other', ['x']), ['x']);
});

test('`arrangeRack()` hangs every box on the bar to its left, in columns, and nothing overlaps', () => {
  const members = Array.from({ length: 7 }, (_, at) => ({ id: `${at}`, height: BOX.head + (at % 3) * 14 }));
  const rack = arrangeRack([...members, undefined], { rows: 3, wired: true, exit: false });
  const boxes = [...rack.boxes.values()];
  assert.equal(boxes.length, 7);
  assert.equal(rack.bars.length, 3);
  for (const [at, a] of boxes.entries()) {
    assert.ok(a.x >= 0 && a.y >= 0 && a.x + a.width <= rack.width && a.y + a.height <= rack.height);
    for (const b of boxes.slice(at + 1)) assert.ok(!overlap(a, b));
    for (const bar of rack.bars) assert.ok(!overlap(a, bar));
    const bar = rack.bars.findLast(({ x }) => x < a.x);
    assert.ok(bar && bar.y <= a.y && bar.y + bar.height >= a.y + a.height, 'the wire meets the bar');
  }
  const { rail, bars } = rack;
  assert.ok(rail && bars.every(({ x }) => x >= rail.x && x < rail.x + rail.width), 'the rail joins the bars');
  assert.equal(arrangeRack(members, { rows: 8, wired: true, exit: false }).rail, undefined);
  const out = arrangeRack(members, { rows: 8, wired: true, exit: true });
  assert.equal((out.rail?.x ?? 0) + (out.rail?.width ?? 0), out.width, 'the rail leads out');
  assert.deepEqual(arrangeRack(members, { rows: 8, wired: false, exit: false }).bars, []);
});

test('`rowsFor()` makes many columns of many containers, and does not change its mind for one more', () => {
  assert.ok(rowsFor([200], 600) > 4);
  assert.ok(rowsFor(Array(10).fill(20), 600) < 8);
  const rows = rowsFor([40, 10], 600);
  assert.equal(rowsFor([42, 10], 600, rows), rows);
  assert.notEqual(rowsFor([4000, 10], 600, rows), rows);
});

test('two hundred containers: every one is drawn, none overlaps another, every wire ends at its own', async () => {
  const map = syntheticMap({ containers: 200, networks: 10 });
  const scene = await draw(map);
  const at = new Map(scene.nodes.map((node) => [node.id, node]));
  assert.equal(at.size, scene.nodes.length, 'every id is there once');
  const boxes = scene.nodes.filter(({ classes }) => classes.startsWith('box ')).map(corner);
  assert.equal(boxes.length, 200);
  for (const [index, a] of boxes.entries()) {
    for (const b of boxes.slice(index + 1)) assert.ok(!overlap(a, b));
  }
  const host = at.get('host');
  assert.ok(host);
  const frame = corner(host);
  const world = at.get('world');
  assert.ok(world && !overlap(corner(world), frame), 'the world is outside');
  for (const box of boxes) assert.ok(overlap(box, frame));

  const wires = scene.edges.filter(({ classes }) => classes.startsWith('wire'));
  const wired = map.endpoints.filter(({ hostVeth }) => hostVeth !== undefined);
  assert.equal(wires.length, wired.length);
  for (const { source, target, points } of scene.edges) {
    const [from, to] = [at.get(source), at.get(target)];
    assert.ok(from && to, `${source} ${target}`);
    const end = points.at(-1);
    assert.ok(end && Math.abs(end.x - to.x) <= to.width && Math.abs(end.y - to.y) <= to.height);
  }
});

test('nothing moves while nothing changes, and what stays does not move when another goes', async () => {
  const map = syntheticMap({ containers: 24, networks: 3 });
  const slots = new Slots();
  const first = await draw(map, slots);
  const { rows } = outline(map, slots);
  assert.deepEqual(await draw(structuredClone(map), slots, rows), first);

  // One in the middle of a rack; it is on one network, as most are.
  const gone = map.endpoints.find(({ container }) => container.name === 'web-6');
  assert.ok(gone);
  const fewer = { ...map, endpoints: map.endpoints.filter((endpoint) => endpoint !== gone) };
  const second = await draw(fewer, slots, rows);
  const before = new Map(first.nodes.map((node) => [node.id, node]));
  const boxes = second.nodes.filter(({ classes }) => classes.startsWith('box '));
  const moved = boxes.filter(({ id, x, y }) => before.get(id)?.x !== x || before.get(id)?.y !== y);
  assert.equal(boxes.length, 23);
  assert.deepEqual(
    moved.map(({ id }) => id),
    [],
  );
});

test('racks stand in the order of the list, whoever hangs on several of them', async () => {
  const map = syntheticMap({ containers: 12, networks: 4 });
  const [endpoint] = map.endpoints;
  assert.ok(endpoint);
  /** On the networks of these numbers. */
  const join = (name: string, ...on: number[]) =>
    on.map((at) => ({
      ...endpoint,
      container: { ...endpoint.container, id: name, name },
      networkId: map.networks[at]?.id ?? '',
    }));
  const [db, proxy, web] = [join('db', 1, 3), join('proxy', 2, 1), join('web', 2, 1)];
  for (const loose of [[db, proxy, web], [proxy, web], [web], [db]]) {
    const scene = await draw({ ...map, endpoints: [...map.endpoints, ...loose.flat()] });
    const racks = scene.nodes.filter(({ classes }) => classes.startsWith('rack'));
    const drawn = racks.sort((a, b) => a.y - b.y).map(({ id }) => id.slice('net:'.length));
    assert.deepEqual(
      drawn,
      map.networks.map(({ id }) => id),
    );
  }
});

test('what leads nowhere is drawn as such: an internal network, a stopped container, the host’s own network', async () => {
  const map = syntheticMap({ containers: 37, networks: 3 });
  map.networks.push({ id: 'h', name: 'host', driver: 'host', subnets: [], options: {} });
  const [endpoint] = map.endpoints;
  assert.ok(endpoint);
  const container = { ...endpoint.container, id: 'naked', name: 'naked' };
  map.endpoints.push({ networkId: 'h', container, addresses: [], ports: [], links: [] });
  const scene = await draw(map);
  const ways = scene.edges.filter(({ id }) => id.startsWith('way:'));
  assert.equal(ways.length, 2);
  const node = (id: string) => scene.nodes.find((one) => one.id === id);
  assert.match(node(`net:${map.networks[2]?.id}`)?.classes ?? '', /internal/);
  const stopped = map.endpoints.find(({ container: { state } }) => state === 'exited');
  assert.match(node(`box:${stopped?.container.id}`)?.classes ?? '', /stopped/);
  assert.ok(!scene.edges.some(({ owner }) => owner === `box:${stopped?.container.id}`));
  assert.ok(node('box:naked') && !node('box:naked:eth:0'));
});

test('a network on an interface of the host hangs on that, and not behind the firewall', async () => {
  const map = syntheticMap({ containers: 4, networks: 2 });
  map.networks.push({ id: 'm', name: 'lan', driver: 'macvlan', parent: 'eth0', subnets: [], options: {} });
  const [endpoint] = map.endpoints;
  assert.ok(endpoint);
  const container = { ...endpoint.container, id: 'm1', name: 'printer' };
  const inside = { name: 'eth0', index: 9 };
  map.endpoints.push({
    networkId: 'm',
    container,
    inside,
    addresses: ['192.0.2.50/24'],
    ports: [],
    links: [],
  });
  const scene = await draw(map);
  const edge = (id: string) => scene.edges.find((one) => one.id === id);
  assert.equal(edge('way:net:m')?.source, 'nic:eth0');
  assert.equal(edge(`way:net:${map.networks[0]?.id}`)?.source, 'wall');
  assert.equal(edge('wire:m1:m')?.target, 'box:m1:eth:0');
});

test('`segmentsOf()` tells bends by their way along the line and beside it', () => {
  const { weights, distances } = segmentsOf([
    { x: 0, y: 0 },
    { x: 50, y: 0 },
    { x: 50, y: 20 },
    { x: 100, y: 0 },
  ]);
  assert.deepEqual(weights, [0.5, 0.5]);
  assert.deepEqual(distances, [0, 20]);
  assert.deepEqual(segmentsOf([{ x: 0, y: 0 }]), { weights: [], distances: [] });
});
