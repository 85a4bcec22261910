import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AF_INET, AF_INET6, addressBytes, addressText, familyOf, macBytes, macText } from './address.ts';

describe('addresses', () => {
  it('text and bytes are turned into each other; IPv6 text is that of RFC 5952', () => {
    const cases: Array<[text: string, hex: string, canonical?: string]> = [
      ['172.17.0.2', 'ac110002'],
      ['0.0.0.0', '00000000'],
      ['255.255.255.255', 'ffffffff'],
      ['::', '0'.repeat(32)],
      ['::1', `${'0'.repeat(31)}1`],
      ['fe80::', `fe80${'0'.repeat(28)}`],
      ['2001:db8:0:0:1:0:0:1', '20010db8000000000001000000000001', '2001:db8::1:0:0:1'],
      ['2001:db8::1:1:1:1:1', '20010db8000000010001000100010001', '2001:db8:0:1:1:1:1:1'],
      ['2001:DB8:0:0:0:0:2:1', '20010db8000000000000000000020001', '2001:db8::2:1'],
      ['1:0:0:2:0:0:0:3', '00010000000000020000000000000003', '1:0:0:2::3'],
      ['::ffff:172.17.0.2', '00000000000000000000ffffac110002'],
      ['64:ff9b::192.0.2.33', '0064ff9b0000000000000000c0000221', '64:ff9b::c000:221'],
      ['1:2:3:4:5:6:7:8', '00010002000300040005000600070008'],
    ];
    for (const [text, hex, canonical = text] of cases) {
      assert.equal(addressBytes(text).toString('hex'), hex, text);
      assert.equal(addressText(Buffer.from(hex, 'hex')), canonical);
    }
  });

  it('what is no address is refused by name', () => {
    for (const text of ['', '1.2.3', '1.2.3.4/24', '01.2.3.4', ':::', 'fe80::1%eth0', 'example.com']) {
      assert.throws(() => addressBytes(text), /is not an IP address/, text);
    }
    assert.throws(() => addressText(Buffer.alloc(5)), /5 bytes/);
    assert.equal(familyOf('10.0.0.1'), AF_INET);
    assert.equal(familyOf('::'), AF_INET6);
    assert.throws(() => familyOf('x'), /"x" is not an IP address/);
  });

  it('MAC addresses', () => {
    assert.equal(macBytes('02:42:AC:11:00:02').toString('hex'), '0242ac110002');
    assert.equal(macText(Buffer.from('0242ac110002', 'hex')), '02:42:ac:11:00:02');
    for (const text of ['', '02:42:ac:11:00', '02-42-ac-11-00-02', '2:42:ac:11:0:2']) {
      assert.throws(() => macBytes(text), /is not a MAC address/);
    }
  });
});
