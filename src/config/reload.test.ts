import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseDaemonConfig } from './parse.ts';
import { diffReload, reloadAttributes, reloadableKeys } from './reload.ts';

function read(file: object) {
  const invocation = parseDaemonConfig([], () => JSON.stringify(file), {});
  assert.ok(invocation.kind === 'run');
  return invocation.config;
}

test('`diffReload()` takes over what is reloadable and defers the rest', () => {
  const old = read({ debug: false, labels: ['a=b'], icc: true });
  const next = read({ debug: true, labels: ['a=b', 'c=d'], icc: false, bip: '10.0.0.1/8' });
  const plan = diffReload(old, next);
  assert.deepEqual(plan.changed, ['debug', 'labels']);
  assert.deepEqual(plan.deferred, ['bip', 'icc']);
  assert.equal(plan.config.debug, true);
  assert.deepEqual(plan.config.labels, ['a=b', 'c=d']);
  assert.equal(plan.config.icc, true);
  assert.equal(old.debug, false);
});

test('`diffReload()` of equal configurations changes nothing', () => {
  const plan = diffReload(read({ labels: ['a=b'] }), read({ labels: ['a=b'] }));
  assert.deepEqual([plan.changed, plan.deferred], [[], []]);
});

test('`reloadAttributes()` has a text for each reloadable key, as `docker events` shows them', () => {
  const attributes = reloadAttributes(read({ debug: true, labels: ['a=b'] }));
  assert.deepEqual(Object.keys(attributes).sort(), reloadableKeys().sort());
  assert.equal(attributes.debug, 'true');
  assert.equal(attributes.labels, '["a=b"]');
  assert.equal(attributes['max-concurrent-downloads'], '3');
});
