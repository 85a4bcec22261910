import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import ipaddr from 'ipaddr.js';
import { isKind } from './errors.ts';
import { compareIp, hostPort, Ip, isIp } from './ip.ts';

describe('Ip', () => {
  test('writes every spelling in canonical text', () => {
    for (const [given, canonical] of [
      ['172.17.0.2', '172.17.0.2'],
      ['0.0.0.0', '0.0.0.0'],
      ['255.255.255.255', '255.255.255.255'],
      ['::', '::'],
      ['::1', '::1'],
      ['0:0:0:0:0:0:0:1', '::1'],
      ['1::', '1::'],
      ['FD00:0:0:0:0:0:0:ABCD', 'fd00::abcd'],
      ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
      ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
      ['2001:0:0:1::1', '2001:0:0:1::1'],
      ['0001:0002:0003:0004:0005:0006:0007:0008', '1:2:3:4:5:6:7:8'],
      ['::ffff:192.0.2.1', '::ffff:192.0.2.1'],
      ['::ffff:c000:201', '::ffff:192.0.2.1'],
      ['64:ff9b::192.0.2.1', '64:ff9b::c000:201'],
      ['1:2:3:4:5:6:1.2.3.4', '1:2:3:4:5:6:102:304'],
      ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
    ] as const) {
      assert.equal(Ip.parse(given).toString(), canonical, given);
      assert.equal(JSON.stringify(Ip.parse(given)), `"${canonical}"`);
    }
  });

  test('reads addresses as ipaddr.js does', () => {
    for (const text of [
      '10.0.0.1',
      '2001:db8::1',
      'fe80::42:1ff:fe49:e168',
      '::ffff:10.0.0.1',
      '::',
      'ff02::1',
    ]) {
      assert.deepEqual([...Ip.parse(text).toBytes()], ipaddr.parse(text).toByteArray(), text);
    }
  });

  test('refuses what is not an address', () => {
    for (const text of [
      '',
      'nonsense',
      '1.2.3',
      '1.2.3.4.5',
      '256.0.0.1',
      '010.0.0.1',
      '0x7f.0.0.1',
      '1.2.3.4 ',
      '-1.2.3.4',
      '1..2.3',
      ':',
      ':::',
      '1::2::3',
      '1:2:3:4:5:6:7',
      '1:2:3:4:5:6:7:8:9',
      '1:2:3:4:5:6:7:8::',
      '::1:2:3:4:5:6:7:8',
      '12345::',
      'g::',
      ':1::2',
      '1:',
      '1.2.3.4::',
      '::1.2.3.4:5',
      '::1.2.3.256',
      'fe80::1%eth0',
      '[::1]',
      '10.0.0.0/8',
    ]) {
      assert.equal(isIp(text), false, text);
      assert.throws(
        () => Ip.parse(text),
        (error) => isKind(error, 'invalid') && error.message.startsWith('invalid IP address: '),
        text,
      );
    }
  });

  test('survives the way through bytes', () => {
    for (const text of ['0.0.0.0', '172.17.0.2', '255.255.255.255', '::', 'fd00::2', 'ffff::ffff']) {
      assert.equal(Ip.fromBytes(Ip.parse(text).toBytes()).toString(), text);
    }
    assert.throws(() => Ip.fromBytes(new Uint8Array(5)), /5 bytes, want 4 or 16/);
  });

  test('`add()` counts on, over group borders, and refuses to leave the family', () => {
    assert.equal(Ip.parse('172.17.0.255').add(1).toString(), '172.17.1.0');
    assert.equal(Ip.parse('172.17.1.0').add(-1).toString(), '172.17.0.255');
    assert.equal(Ip.parse('fd00::ffff').add(1n).toString(), 'fd00::1:0');
    assert.throws(() => Ip.parse('255.255.255.255').add(1), /does not fit in 32 bits/);
    assert.throws(() => Ip.parse('::').add(-1), /does not fit in 128 bits/);
  });

  test('knows special addresses', () => {
    const those = (
      texts: string[],
      property: 'isLoopback' | 'isUnspecified' | 'isLinkLocal' | 'isMulticast',
    ) => texts.filter((text) => Ip.parse(text)[property]);
    const all = [
      '0.0.0.0',
      '127.0.0.1',
      '127.9.9.9',
      '128.0.0.1',
      '169.254.1.1',
      '224.0.0.1',
      '239.9.9.9',
    ].concat(['::', '::1', 'fe80::1', 'febf::1', 'fec0::1', 'ff02::1', 'fd00::1']);
    assert.deepEqual(those(all, 'isLoopback'), ['127.0.0.1', '127.9.9.9', '::1']);
    assert.deepEqual(those(all, 'isUnspecified'), ['0.0.0.0', '::']);
    assert.deepEqual(those(all, 'isLinkLocal'), ['169.254.1.1', 'fe80::1', 'febf::1']);
    assert.deepEqual(those(all, 'isMulticast'), ['224.0.0.1', '239.9.9.9', 'ff02::1']);
  });

  test('`unmap()` takes IPv4 out of IPv6', () => {
    assert.equal(Ip.parse('::ffff:10.0.0.1').unmap().toString(), '10.0.0.1');
    assert.equal(Ip.parse('fd00::1').unmap().toString(), 'fd00::1');
    assert.equal(Ip.parse('10.0.0.1').unmap().toString(), '10.0.0.1');
  });

  test('`compareIp()` sorts by number, IPv4 first', () => {
    const sorted = ['fd00::1', '10.0.0.10', '::1', '10.0.0.9'].map((text) => Ip.parse(text)).sort(compareIp);
    assert.equal(sorted.join(' '), '10.0.0.9 10.0.0.10 ::1 fd00::1');
    assert.equal(Ip.parse('::1').equals(Ip.parse('0.0.0.1')), false);
    assert.equal(Ip.parse('0:0::1').equals(Ip.parse('::1')), true);
  });

  test('`hostPort()` puts brackets around IPv6 only', () => {
    assert.equal(hostPort(Ip.parse('0.0.0.0'), 8080), '0.0.0.0:8080');
    assert.equal(hostPort('::', '8000-8010'), '[::]:8000-8010');
  });
});
