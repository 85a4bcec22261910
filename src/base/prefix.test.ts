import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isKind } from './errors.ts';
import { Ip } from './ip.ts';
import { comparePrefix, Prefix, parseInterfaceAddress } from './prefix.ts';

const prefix = Prefix.parse;

describe('Prefix', () => {
  test('clears host bits', () => {
    assert.equal(prefix('172.17.0.1/16').toString(), '172.17.0.0/16');
    assert.equal(prefix('fd00::42/64').toString(), 'fd00::/64');
    assert.equal(prefix('1.2.3.4/0').toString(), '0.0.0.0/0');
    assert.equal(JSON.stringify(prefix('10.0.0.1/32')), '"10.0.0.1/32"');
  });

  test('refuses what is not a prefix', () => {
    for (const text of [
      '',
      '10.0.0.0',
      '10.0.0.0/',
      '/8',
      '10.0.0.0/33',
      'fd00::/129',
      '10.0.0.0/08',
      '10.0.0/8',
    ]) {
      assert.equal(Prefix.tryParse(text), undefined, text);
      assert.throws(
        () => prefix(text),
        (error) => isKind(error, 'invalid') && error.message.startsWith('invalid CIDR address: '),
        text,
      );
    }
    assert.throws(() => new Prefix(Ip.parse('10.0.0.0'), 1.5), /length 1.5/);
  });

  test('tells first, last, size, netmask and broadcast', () => {
    const subnet = prefix('172.17.0.0/16');
    assert.equal(`${subnet.first} ${subnet.last} ${subnet.size}`, '172.17.0.0 172.17.255.255 65536');
    assert.equal(`${subnet.netmask} ${subnet.broadcast}`, '255.255.0.0 172.17.255.255');
    assert.equal(prefix('10.0.0.0/31').broadcast, undefined);
    assert.equal(prefix('fd00::/64').broadcast, undefined);
    assert.equal(prefix('fd00::/64').last.toString(), 'fd00::ffff:ffff:ffff:ffff');
    assert.equal(prefix('::/0').netmask.toString(), '::');
  });

  test('`contains()` answers for addresses and prefixes of its family', () => {
    const subnet = prefix('172.17.0.0/16');
    assert.equal(subnet.contains(Ip.parse('172.17.255.255')), true);
    assert.equal(subnet.contains(Ip.parse('172.18.0.0')), false);
    assert.equal(subnet.contains(prefix('172.17.3.0/24')), true);
    assert.equal(subnet.contains(prefix('172.16.0.0/12')), false);
    assert.equal(prefix('0.0.0.0/0').contains(Ip.parse('::1')), false);
    assert.equal(prefix('::/0').contains(Ip.parse('ffff::')), true);
  });

  test('`overlaps()` is true both ways and false across families', () => {
    const wide = prefix('172.16.0.0/12');
    const narrow = prefix('172.17.4.0/24');
    assert.equal(wide.overlaps(narrow) && narrow.overlaps(wide), true);
    assert.equal(narrow.overlaps(prefix('172.17.5.0/24')), false);
    assert.equal(prefix('::/0').overlaps(prefix('0.0.0.0/0')), false);
  });

  test('`subnets()` cuts in order and lazily', () => {
    assert.equal(
      [...prefix('10.0.0.0/22').subnets(24)].join(' '),
      '10.0.0.0/24 10.0.1.0/24 10.0.2.0/24 10.0.3.0/24',
    );
    const many = prefix('fd00::/16').subnets(64);
    assert.equal(many.next().value?.toString(), 'fd00::/64');
    assert.equal(many.next().value?.toString(), 'fd00:0:0:1::/64');
    assert.throws(() => [...prefix('10.0.0.0/16').subnets(8)], /split 10.0.0.0\/16 into \/8/);
  });

  test('`at()` counts from the first address', () => {
    assert.equal(prefix('172.17.0.0/16').at(1).toString(), '172.17.0.1');
    assert.throws(() => prefix('10.0.0.0/30').at(4), /it has 4 addresses/);
    assert.throws(() => prefix('10.0.0.0/30').at(-1), /take address -1/);
  });

  test('`comparePrefix()` puts the wider of two first', () => {
    const sorted = ['10.0.1.0/24', '10.0.0.0/24', '10.0.0.0/8', '::/0'].map(prefix).sort(comparePrefix);
    assert.equal(sorted.join(' '), '10.0.0.0/8 10.0.0.0/24 10.0.1.0/24 ::/0');
    assert.equal(prefix('10.0.0.9/8').equals(prefix('10.0.0.0/8')), true);
  });

  test('`parseInterfaceAddress()` keeps the host bits', () => {
    const { address, prefix: subnet } = parseInterfaceAddress('172.17.0.1/16');
    assert.equal(`${address} ${subnet}`, '172.17.0.1 172.17.0.0/16');
  });
});
