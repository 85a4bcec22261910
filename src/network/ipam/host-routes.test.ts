import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Prefix } from '../../base/prefix.ts';
import { type HostRoute, loserOf, useOf } from './host-routes.ts';

const route = (destination: string, more: Partial<HostRoute> = {}): HostRoute => ({
  family: destination.includes(':') ? 6 : 4,
  destination,
  type: 'unicast',
  table: 254,
  metric: 0,
  link: 7,
  ...more,
});

describe('useOf', () => {
  test('a route to a LAN, to a VPN or to the host itself means that somebody is there, in whatever table', () => {
    for (const found of [
      route('10.8.0.0/24'),
      route('10.0.0.0/8'),
      route('172.17.0.9/32', { type: 'local', table: 255 }),
      route('100.64.0.0/10', { table: 52 }),
      route('fd00::/8'),
      route('fc00::/7', { metric: 1024 }),
    ]) {
      assert.deepEqual(useOf(found), { prefix: Prefix.parse(found.destination), use: 'used' });
    }
  });

  test('a blackhole means that nobody is', () => {
    for (const type of ['blackhole', 'unreachable', 'prohibit']) {
      assert.equal(useOf(route('10.0.0.0/8', { type, link: undefined }))?.use, 'discarded');
    }
  });

  test('the default route says nothing, nor its halves as VPNs set them, nor what every link has', () => {
    for (const text of ['default', '0.0.0.0/1', '128.0.0.0/1', '0.0.0.0/5', '::/1', '8000::/1', '2000::/3']) {
      assert.equal(useOf(route(text)), undefined, text);
    }
    assert.equal(useOf(route('fe80::/64', { metric: 256 })), undefined);
    assert.equal(useOf(route('ff00::/8', { type: 'multicast', table: 255 })), undefined);
    assert.equal(useOf(route('172.17.255.255/32', { type: 'broadcast', table: 255 })), undefined);
    assert.equal(useOf(route('10.0.0.0/8', { type: 'throw' })), undefined);
  });
});

describe('loserOf', () => {
  const subnet = Prefix.parse('172.18.0.0/16');

  test('the network loses to a route that is more particular, or asked first', () => {
    assert.equal(loserOf(subnet, route('172.18.5.0/24')), 'network');
    assert.equal(loserOf(subnet, route('172.18.0.0/16')), 'network');
    assert.equal(loserOf(subnet, route('172.18.5.0/24', { type: 'blackhole', link: undefined })), 'network');
    assert.equal(loserOf(subnet, route('172.18.0.77/32', { type: 'local', table: 255 })), 'network');
    assert.equal(loserOf(subnet, route('172.16.0.0/12', { table: 52 })), 'network');
  });

  test('a wider route loses to the network, and so does an equal one that is asked later', () => {
    assert.equal(loserOf(subnet, route('172.16.0.0/12')), 'route');
    assert.equal(loserOf(subnet, route('172.18.0.0/16', { metric: 50 })), 'route');
  });

  test('nobody loses to a wider blackhole, to default routes and to routes beside the network', () => {
    assert.equal(loserOf(subnet, route('172.16.0.0/12', { type: 'unreachable' })), undefined);
    assert.equal(loserOf(subnet, route('128.0.0.0/1')), undefined);
    assert.equal(loserOf(subnet, route('172.19.0.0/16')), undefined);
    assert.equal(loserOf(subnet, route('fd00::/8')), undefined);
  });
});
