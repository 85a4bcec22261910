import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EventMessage, Filters } from '../../base/wire/index.ts';
import { matchesEvent } from './filter.ts';

function event(
  Type: EventMessage['Type'],
  Action: string,
  ID: string,
  Attributes: Record<string, string> = {},
): EventMessage {
  return { Type, Action, Actor: { ID, Attributes }, scope: 'local', time: 0, timeNano: 0n };
}

const start = event('container', 'start', 'abc123', {
  name: 'web',
  image: 'repo:5000/nginx:1.25',
  tier: 'front',
});
const pull = event('image', 'pull', 'repo:5000/nginx:1.25', { name: 'repo:5000/nginx' });
const connect = event('network', 'connect', 'n0', { name: 'bridge', container: 'abc123' });

const matching = (filters: Filters) => [start, pull, connect].filter((one) => matchesEvent(one, filters));

test('no filter and an empty one let everything through', () => {
  assert.equal(matching({}).length, 3);
  assert.equal(matching({ event: [] }).length, 3);
});

test('values of one name are alternatives, names are all required', () => {
  assert.deepEqual(matching({ event: ['start', 'pull'] }), [start, pull]);
  assert.deepEqual(matching({ event: ['start', 'pull'], type: ['image'] }), [pull]);
  assert.deepEqual(matching({ event: ['start'], type: ['image'] }), []);
});

test('`event` takes the first word of those that carry more', () => {
  const exec = event('container', 'exec_start: sh -c true', 'abc123');
  assert.equal(matchesEvent(exec, { event: ['exec_start'] }), true);
  assert.equal(matchesEvent(exec, { event: ['exec'] }), false);
  const health = event('container', 'health_status: healthy', 'abc123');
  assert.equal(matchesEvent(health, { event: ['health_status: healthy'] }), true);
  assert.equal(matchesEvent(health, { event: ['health_status: unhealthy'] }), false);
});

test('`container` takes an id, its beginning, a name with or without slash, and no other kind of object', () => {
  for (const container of ['abc123', 'abc', 'web', '/web']) {
    assert.deepEqual(matching({ container: [container] }), [start], container);
  }
  assert.deepEqual(matching({ container: ['we'] }), []);
  assert.deepEqual(matching({ network: ['bridge'] }), [connect]);
});

test('`label` wants a key or a pair among the attributes', () => {
  assert.deepEqual(matching({ label: ['tier'] }), [start]);
  assert.deepEqual(matching({ label: ['tier=front'] }), [start]);
  assert.deepEqual(matching({ label: ['tier=back'] }), []);
  assert.deepEqual(matching({ label: ['tier=front', 'missing'] }), []);
});

test('`image` takes the image of a container and an image, with and without tag', () => {
  assert.deepEqual(matching({ image: ['repo:5000/nginx:1.25'] }), [start, pull]);
  assert.deepEqual(matching({ image: ['repo:5000/nginx'] }), [start, pull]);
  assert.deepEqual(matching({ image: ['repo'] }), []);
});

test('`scope` and `type`', () => {
  assert.equal(matching({ scope: ['local'] }).length, 3);
  assert.equal(matching({ scope: ['swarm'] }).length, 0);
  assert.deepEqual(matching({ type: ['network', 'image'] }), [pull, connect]);
});
