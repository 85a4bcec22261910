import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isKind } from '../../base/errors.ts';
import { Ip } from '../../base/ip.ts';
import { AddressPool } from './address-pool.ts';
import { seededRandom } from './seeded-random.testing.ts';

const ip = Ip.parse;
const take = (pool: AddressPool, count: number) =>
  Array.from({ length: count }, () => pool.allocate()?.toString() ?? 'none');

describe('AddressPool', () => {
  test('gives the gateway .1 and containers .2, .3, … as Docker does', () => {
    const pool = new AddressPool({ subnet: '172.17.0.0/16' });
    assert.equal(pool.gateway?.toString(), '172.17.0.1');
    assert.deepEqual(take(pool, 3), ['172.17.0.2', '172.17.0.3', '172.17.0.4']);
  });

  test('gives the lowest freed address next', () => {
    const pool = new AddressPool({ subnet: '172.17.0.0/16' });
    take(pool, 5);
    assert.equal(pool.release(ip('172.17.0.4')), true);
    assert.equal(pool.release(ip('172.17.0.3')), true);
    assert.deepEqual(take(pool, 3), ['172.17.0.3', '172.17.0.4', '172.17.0.7']);
  });

  test('never gives network, broadcast, gateway and auxiliary addresses', () => {
    const pool = new AddressPool({
      subnet: '10.1.0.0/29',
      gateway: '10.1.0.6',
      auxAddresses: { router: '10.1.0.2' },
    });
    assert.deepEqual(take(pool, 5), ['10.1.0.1', '10.1.0.3', '10.1.0.4', '10.1.0.5', 'none']);
  });

  test('takes from the range, and the gateway with it when none is named', () => {
    const named = new AddressPool({ subnet: '10.44.0.0/16', ipRange: '10.44.5.0/30', gateway: '10.44.0.1' });
    assert.deepEqual(take(named, 5), ['10.44.5.0', '10.44.5.1', '10.44.5.2', '10.44.5.3', 'none']);
    const unnamed = new AddressPool({ subnet: '10.44.0.0/16', ipRange: '10.44.5.0/30' });
    assert.equal(unnamed.gateway?.toString(), '10.44.5.0');
  });

  test('uses both addresses of a /31 (RFC 3021) and the one of a /32', () => {
    const pair = new AddressPool({ subnet: '10.0.0.0/31' });
    assert.equal(pair.gateway?.toString(), '10.0.0.0');
    assert.deepEqual(take(pair, 2), ['10.0.0.1', 'none']);
    const single = new AddressPool({ subnet: '10.0.0.9/32' }, { chooseGateway: false });
    assert.deepEqual(take(single, 2), ['10.0.0.9', 'none']);
  });

  test('leaves out the anycast address of an IPv6 subnet and uses its last one', () => {
    const pool = new AddressPool({ subnet: 'fd00::/126' });
    assert.equal(pool.gateway?.toString(), 'fd00::1');
    assert.deepEqual(take(pool, 3), ['fd00::2', 'fd00::3', 'none']);
  });

  test('passes over addresses that the probe finds in use, and tries them again later', () => {
    const pool = new AddressPool({ subnet: '172.17.0.0/24' });
    const foreign = new Set(['172.17.0.2', '172.17.0.3', '172.17.0.5']);
    const isInUse = (address: Ip) => foreign.has(address.toString());
    assert.equal(pool.allocate(isInUse)?.toString(), '172.17.0.4');
    assert.equal(pool.allocate(isInUse)?.toString(), '172.17.0.6');
    foreign.clear();
    assert.equal(pool.allocate(isInUse)?.toString(), '172.17.0.2');
  });

  test('gives nothing when the probe finds every address in use', () => {
    assert.equal(
      new AddressPool({ subnet: '10.0.0.0/24' }).allocate(() => true),
      undefined,
    );
  });

  test('`request()` gives an address outside the range but inside the subnet', () => {
    const pool = new AddressPool({ subnet: '10.44.0.0/16', ipRange: '10.44.5.0/24' });
    assert.equal(pool.request(ip('10.44.7.7')).toString(), '10.44.7.7');
  });

  test('`request()` refuses what is taken, reserved, in use, or outside, in Docker words', () => {
    const pool = new AddressPool({ subnet: '10.44.0.0/16' });
    pool.request(ip('10.44.7.7'));
    for (const text of ['10.44.7.7', '10.44.0.0', '10.44.0.1', '10.44.255.255']) {
      assert.throws(
        () => pool.request(ip(text)),
        (error) => isKind(error, 'forbidden') && error.message === 'Address already in use',
        text,
      );
    }
    assert.throws(() => pool.request(ip('10.44.8.8'), () => true), { message: 'Address already in use' });
    assert.equal(pool.isTaken(ip('10.44.8.8')), false);
    assert.throws(
      () => pool.request(ip('10.45.0.1')),
      (error) => isKind(error, 'invalid') && error.message === 'requested address is out of range',
    );
    assert.throws(() => pool.request(ip('fd00::1')), { message: 'requested address is out of range' });
  });

  test('`restore()` marks known addresses, twice without harm, and tells which cannot be', () => {
    const pool = new AddressPool({ subnet: '172.17.0.0/24' });
    assert.equal(pool.restore(ip('172.17.0.2')), true);
    assert.equal(pool.restore(ip('172.17.0.2')), true);
    assert.equal(pool.restore(ip('172.17.0.1')), false);
    assert.equal(pool.restore(ip('172.18.0.2')), false);
    assert.deepEqual(take(pool, 1), ['172.17.0.3']);
    assert.equal(pool.taken, 5n);
  });

  test('`release()` frees nothing that is reserved or not taken', () => {
    const pool = new AddressPool({ subnet: '172.17.0.0/24', auxAddresses: { dns: '172.17.0.9' } });
    for (const text of ['172.17.0.0', '172.17.0.1', '172.17.0.9', '172.17.0.255', '172.17.0.7', '10.0.0.1']) {
      assert.equal(pool.release(ip(text)), false, text);
    }
    assert.deepEqual(take(pool, 1), ['172.17.0.2']);
  });

  test('refuses a gateway, range or auxiliary address outside the subnet', () => {
    const subnet = '10.0.0.0/24';
    assert.throws(() => new AddressPool({ subnet, gateway: '10.0.1.1' }), {
      message: "invalid gateway 10.0.1.1: parent subnet 10.0.0.0/24 doesn't contain this address",
    });
    assert.throws(() => new AddressPool({ subnet, ipRange: '10.0.1.0/25' }), /doesn't contain ip-range/);
    assert.throws(() => new AddressPool({ subnet, auxAddresses: { a: '10.0.1.9' } }), /auxiliary address a/);
    assert.throws(() => new AddressPool({ subnet, auxAddresses: { a: '10.0.0.1' } }), {
      message: 'failed to allocate secondary ip address (a:10.0.0.1): Address already in use',
    });
  });

  test('holds a /8 and a /64 without a list of their addresses', () => {
    for (const subnet of ['10.0.0.0/8', 'fd00:1::/64']) {
      const pool = new AddressPool({ subnet });
      const last = Array.from({ length: 20_000 }, () => pool.allocate()).at(-1);
      assert.equal(last?.value, pool.subnet.first.value + 20_001n);
      assert.equal(pool.request(pool.subnet.last.add(-1)).equals(pool.subnet.last.add(-1)), true);
    }
  });

  test('agrees with a plain list of addresses under 3,000 random requests', () => {
    const random = seededRandom(172_17);
    const spec = { subnet: '10.0.0.0/26', ipRange: '10.0.0.16/28', gateway: '10.0.0.20' };
    const pool = new AddressPool(spec);
    const base = ip('10.0.0.0').value;
    const reserved = new Set([0, 63, 20]);
    const taken = new Set(reserved);
    for (let round = 0; round < 3_000; round++) {
      const number = random(64);
      const address = new Ip(4, base + BigInt(number));
      switch (random(4)) {
        case 0: {
          const expected = Array.from({ length: 16 }, (_, index) => 16 + index).find((n) => !taken.has(n));
          const got = pool.allocate();
          assert.equal(got === undefined ? undefined : Number(got.value - base), expected);
          if (expected !== undefined) taken.add(expected);
          break;
        }
        case 1:
          if (taken.has(number)) assert.throws(() => pool.request(address));
          else taken.add(Number(pool.request(address).value - base));
          break;
        case 2:
          assert.equal(pool.restore(address), !reserved.has(number));
          taken.add(number);
          break;
        default:
          assert.equal(pool.release(address), taken.has(number) && !reserved.has(number));
          if (!reserved.has(number)) taken.delete(number);
      }
      assert.equal(pool.taken, BigInt(taken.size));
    }
  });
});
