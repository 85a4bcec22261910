import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isKind } from '../../base/errors.ts';
import { NetworkAddresses } from './network-addresses.ts';

const dual = () =>
  new NetworkAddresses({
    name: 'shop',
    id: 'f00',
    subnets: [
      { subnet: '10.1.0.0/30' },
      { subnet: '10.2.0.0/29', gateway: '10.2.0.6' },
      { subnet: 'fd00:1::/64' },
    ],
  });

describe('NetworkAddresses', () => {
  test('gives an address with its prefix length and gateway', () => {
    assert.deepEqual(dual().allocate(4), { address: '10.1.0.2', prefixLength: 30, gateway: '10.1.0.1' });
    assert.deepEqual(dual().allocate(6), {
      address: 'fd00:1::2',
      prefixLength: 64,
      gateway: 'fd00:1::1',
    });
  });

  test('goes on to the next subnet of the family when one is full', () => {
    const network = dual();
    network.allocate(4);
    assert.equal(network.allocate(4).address, '10.2.0.1');
  });

  test('says which network is full, in Docker words', () => {
    const network = new NetworkAddresses({ name: 'shop', id: 'f00', subnets: [{ subnet: '10.1.0.0/30' }] });
    network.allocate(4);
    assert.throws(
      () => network.allocate(4),
      (error) =>
        isKind(error, 'unavailable') &&
        error.message === "no available IPv4 addresses on this network's address pools: shop (f00)",
    );
    assert.throws(() => network.allocate(6), /no available IPv6 addresses/);
  });

  test('takes a requested address from the subnet that holds it, and refuses others', () => {
    const network = dual();
    assert.equal(network.allocate(4, { requested: '10.2.0.3' }).prefixLength, 29);
    assert.throws(() => network.allocate(4, { requested: '10.2.0.3' }), {
      message: 'Address already in use',
    });
    assert.throws(() => network.allocate(4, { requested: '10.9.0.3' }), {
      message: "invalid address 10.9.0.3: It does not belong to any of this network's subnets",
    });
    assert.throws(() => network.allocate(4, { requested: 'fd00:1::9' }), /does not belong/);
    assert.throws(() => network.allocate(4, { requested: 'nonsense' }), /invalid IP address/);
  });

  test('restores and releases by text', () => {
    const network = dual();
    assert.equal(network.restore('10.1.0.2'), true);
    assert.equal(network.restore('192.0.2.1'), false);
    assert.equal(network.allocate(4).address, '10.2.0.1');
    assert.equal(network.release('10.1.0.2'), true);
    assert.equal(network.release('10.1.0.2'), false);
    assert.equal(network.allocate(4).address, '10.1.0.2');
  });

  test('tells its subnets with the gateways that were chosen', () => {
    assert.deepEqual(dual().subnets[0], { subnet: '10.1.0.0/30', gateway: '10.1.0.1' });
    const closed = new NetworkAddresses({
      name: 'n',
      id: 'i',
      subnets: [{ subnet: '10.1.0.0/30' }],
      chooseGateway: false,
    });
    assert.deepEqual(closed.subnets, [{ subnet: '10.1.0.0/30' }]);
    assert.deepEqual(closed.allocate(4), { address: '10.1.0.1', prefixLength: 30 });
  });
});
