import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { WhyReport, WhyStep } from '../../src/base/wire/index.ts';
import { syntheticMap } from '../testing/maps.ts';
import { marksOf, type Wire } from './path.ts';

const map = syntheticMap({ containers: 4, networks: 2 });
const [bridge, other] = map.networks;
assert.ok(bridge && other);
const wires: Wire[] = map.endpoints.map(({ container, networkId, hostVeth }) => ({
  id: `wire:${container.id}:${networkId}`,
  owner: `box:${container.id}`,
  link: hostVeth?.name,
}));
const container = (name: string) => {
  const found = map.endpoints.find((endpoint) => endpoint.container.name === name);
  assert.ok(found);
  return found.container;
};
const party = (name: string): WhyReport['from'] =>
  name === 'world'
    ? { kind: 'world', asked: name }
    : { kind: 'container', asked: name, container: container(name) };

const step = (kind: WhyStep['kind'], more: Partial<WhyStep> = {}): WhyStep => ({
  kind,
  where: 'host',
  text: '',
  ok: true,
  ...more,
});

const report = (from: string, to: string, answer: WhyReport['answer'], steps: WhyStep[]): WhyReport => ({
  language: 'en',
  from: party(from),
  to: party(to),
  protocol: 'tcp',
  port: 80,
  answer,
  headline: '',
  remarks: [],
  legs: [{ direction: 'there', title: '', steps }],
});

test('the way from the world to a container passes the interface, the firewall, the bridge and the wire', () => {
  const web = container('web-0');
  const { path, failing, missed } = marksOf(
    report('world', 'web-0', 'yes', [
      step('entered', { link: 'eth0' }),
      step('translated'),
      step('route', { link: 'docker0' }),
      step('rules'),
      step('bridge', { link: 'docker0' }),
      step('arrived', { containerId: web.id, where: web.name }),
    ]),
    map,
    wires,
  );
  assert.deepEqual([...path].sort(), [
    `box:${web.id}`,
    'in:eth0',
    `net:${bridge.id}`,
    'nic:eth0',
    'out:eth0',
    'wall',
    `way:net:${bridge.id}`,
    `wire:${web.id}:${bridge.id}`,
    'world',
  ]);
  assert.deepEqual([failing.size, missed.size], [0, 0]);
});

test('where it is stopped is marked, and the end that it does not come to is no part of the way', () => {
  const [from, to] = [container('web-0'), container('web-1')];
  const { path, failing, missed } = marksOf(
    report('web-0', 'web-1', 'no', [
      step('sent', { containerId: from.id, where: from.name }),
      step('bridge', { link: 'docker0' }),
      step('rules', { ok: false, link: other.bridge?.name ?? '' }),
      step('stopped', { ok: false }),
    ]),
    map,
    wires,
  );
  assert.deepEqual([...failing], ['wall']);
  assert.deepEqual([...missed], [`box:${to.id}`]);
  assert.ok(path.has(`wire:${from.id}:${bridge.id}`) && !path.has(`wire:${to.id}:${other.id}`));
  assert.ok(!path.has(`net:${other.id}`));
});

test('a service that does not listen fails in its container, a wire that is down on the wire', () => {
  const web = container('web-0');
  const inside = report('world', 'web-0', 'no', [
    step('arrived', { containerId: web.id, where: web.name, ok: false }),
  ]);
  assert.deepEqual([...marksOf(inside, map, wires).failing], [`box:${web.id}`]);
  assert.equal(marksOf(inside, map, wires).missed.size, 0);
  const wire = wires.find(({ owner }) => owner === `box:${web.id}`);
  const down = report('world', 'web-0', 'unknown', [step('wire', { link: wire?.link ?? '', ok: null })]);
  assert.deepEqual([...marksOf(down, map, wires).unknown], [wire?.id]);
});
