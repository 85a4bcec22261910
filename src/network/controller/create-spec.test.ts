import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NetworkCreateBody } from '../../base/wire/index.ts';
import type { NetworkDriver } from '../drivers/driver.ts';
import { parentOptions } from '../drivers/parent-options.ts';
import { createSpec } from './create-spec.ts';

const macvlan = {
  name: 'macvlan',
  validate: (wanted) => ({ parent: parentOptions('macvlan', wanted) }),
} as Pick<NetworkDriver, 'name' | 'validate'> as NetworkDriver;

const create = (body: Partial<NetworkCreateBody>, defaultOptions = {}) =>
  createSpec({
    body: { Name: 'n1', Driver: 'macvlan', ...body },
    id: 'a'.repeat(64),
    createdAt: '2024-01-01T00:00:00Z',
    mtu: 1500,
    hostBinding: '',
    defaultOptions,
    driver: (name) => (name === 'macvlan' ? macvlan : undefined),
  });

test('`createSpec()` asks the driver for its part, and keeps the options as they were given', () => {
  const Options = { parent: 'eth0', 'com.docker.network.advertise_addr_ms': '100' };
  const spec = create({ Options, Internal: true });
  assert.equal(spec.driver, 'macvlan');
  assert.deepEqual(spec.parent, { device: 'eth0', isDummy: false, mode: 'bridge' });
  assert.equal(spec.bridge, undefined);
  assert.deepEqual(spec.advertise, { interval: 100 });
  assert.deepEqual(spec.options, Options);
  assert.equal(spec.internal, true);
});

test('`createSpec()` takes what the daemon says for its driver, unless the user says something else', () => {
  const defaults = {
    macvlan: { parent: 'eth9', 'com.docker.network.enable_ipv6': 'true' },
    bridge: { 'com.docker.network.driver.mtu': '1400' },
  };
  const spec = create({}, defaults);
  assert.deepEqual(spec.options, defaults.macvlan);
  assert.equal(spec.enableIPv6, true);
  const other = create({ Options: { parent: 'eth0' }, EnableIPv6: false }, defaults);
  assert.deepEqual(other.options, { parent: 'eth0' });
  assert.equal(other.enableIPv6, false);
});

test('`createSpec()` refuses to take a configuration from a network that is not there', () => {
  assert.throws(() => create({ ConfigFrom: { Network: 'zz' } }), {
    kind: 'not-found',
    message: 'network zz not found',
  });
  assert.equal(create({ ConfigFrom: { Network: '' } }).name, 'n1');
});

test('`createSpec()` refuses drivers that are not there, and those that there is one of', () => {
  const refused = (Driver: string, kind: string, message: RegExp) =>
    assert.throws(() => create({ Driver }), { kind, message });
  refused('weave', 'not-found', /^plugin "weave" not found$/);
  refused('host', 'forbidden', /^only one instance of "host" network is allowed$/);
  refused('null', 'forbidden', /^only one instance of "null" network is allowed$/);
  refused('overlay', 'not-implemented', /network driver "overlay"/);
});
