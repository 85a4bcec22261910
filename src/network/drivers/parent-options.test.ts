import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ParentDriverName, parentOptions, vlanOf } from './parent-options.ts';

const ID = '0123456789abcdef'.repeat(4);
const read = (driver: ParentDriverName, options: Record<string, string>) =>
  parentOptions(driver, { id: ID, options, internal: false, enableIPv6: false, mtu: 9000, hostBinding: '' });

test('`parentOptions()` has Docker’s defaults', () => {
  assert.deepEqual(read('macvlan', { parent: 'eth0' }), { device: 'eth0', isDummy: false, mode: 'bridge' });
  assert.deepEqual(read('ipvlan', { parent: 'eth0' }), {
    device: 'eth0',
    isDummy: false,
    mode: 'l2',
    flag: 'bridge',
  });
  assert.deepEqual(read('macvlan', {}), { device: 'dm-0123456789ab', isDummy: true, mode: 'bridge' });
  assert.equal(read('macvlan', { 'com.docker.network.driver.mtu': '1400' }).mtu, 1400);
});

test('`parentOptions()` reads every mode and flag', () => {
  for (const mode of ['bridge', 'private', 'vepa', 'passthru']) {
    assert.equal(read('macvlan', { macvlan_mode: mode }).mode, mode);
  }
  for (const mode of ['l2', 'l3', 'l3s']) assert.equal(read('ipvlan', { ipvlan_mode: mode }).mode, mode);
  for (const flag of ['bridge', 'private', 'vepa'])
    assert.equal(read('ipvlan', { ipvlan_flag: flag }).flag, flag);
});

test('`parentOptions()` refuses in Docker’s words', () => {
  const refused = (driver: ParentDriverName, options: Record<string, string>, why: RegExp) =>
    assert.throws(() => read(driver, options), why);
  refused(
    'macvlan',
    { macvlan_mode: 'l2' },
    /^BridgeportError: requested macvlan mode 'l2' is not valid, 'bridge' mode is the macvlan driver default$/,
  );
  refused('ipvlan', { ipvlan_mode: 'x' }, /requested ipvlan mode 'x' is not valid, 'l2' mode is the ipvlan/);
  refused('ipvlan', { ipvlan_flag: 'x' }, /requested ipvlan flag 'x' is not valid, 'bridge' is the ipvlan/);
  refused('macvlan', { parent: 'lo' }, /loopback interface is not a valid macvlan parent link/);
  refused('macvlan', { parent: 'a/b' }, /invalid parent "a\/b"/);
  refused('macvlan', { parent: 'sixteen-letters-' }, /at most 15 characters/);
});

test('`vlanOf()` reads `eth0.10`, and says what is wrong with other names', () => {
  const exists = (name: string) => name === 'eth0';
  assert.deepEqual(vlanOf('eth0.10', exists), { parent: 'eth0', id: 10 });
  for (const [name, why] of [
    ['eth1', /^BridgeportError: invalid subinterface vlan name eth1, example formatting is eth0\.10$/],
    ['eth0.1.2', /required interface name format is: name\.vlan_id.*received eth0\.1\.2/],
    ['eth0.x', /unable to parse a valid vlan id from: x/],
    ['eth0.', /unable to parse a valid vlan id from: {2}\(/],
    ['eth1.10', /-o parent interface was not found on the host: eth1/],
    ['eth0.0', /vlan id must be between 1-4094, received: 0/],
    ['eth0.4095', /received: 4095/],
  ] as const) {
    assert.throws(() => vlanOf(name, exists), why, name);
  }
});
