import assert from 'node:assert/strict';
import { it } from 'node:test';
import { isKind } from '../base/errors.ts';
import { AF_INET, AF_INET6, addressBytes, addressText, familyOf, macBytes, macText } from './address.ts';

it('addresses become the bytes of the kernel, and canonical text again', () => {
  const cases: Array<[text: string, hex: string, canonical?: string]> = [
    ['172.17.0.2', 'ac110002'],
    ['::1', `${'0'.repeat(31)}1`],
    ['2001:DB8:0:0:1:0:0:1', '20010db8000000000001000000000001', '2001:db8::1:0:0:1'],
    ['::ffff:172.17.0.2', '00000000000000000000ffffac110002'],
  ];
  for (const [text, hex, canonical = text] of cases) {
    assert.equal(addressBytes(text).toString('hex'), hex);
    assert.equal(addressText(Buffer.from(hex, 'hex')), canonical);
  }
  assert.equal(familyOf('10.0.0.1'), AF_INET);
  assert.equal(familyOf('::'), AF_INET6);
  assert.equal(macBytes('02:42:AC:11:00:02').toString('hex'), '0242ac110002');
  assert.equal(macText(Buffer.from('0242ac110002', 'hex')), '02:42:ac:11:00:02');
  assert.equal(macText(Buffer.from('0a000001', 'hex')), '0a:00:00:01');
});

it('what is no address is refused', () => {
  for (const text of ['', '1.2.3.4/24', 'fe80::1%eth0', 'example.com']) {
    assert.throws(
      () => addressBytes(text),
      (error) => isKind(error, 'invalid'),
    );
    assert.throws(
      () => familyOf(text),
      (error) => isKind(error, 'invalid'),
    );
  }
  assert.throws(
    () => macBytes('02:42'),
    (error) => isKind(error, 'invalid'),
  );
  assert.throws(() => addressText(Buffer.alloc(5)));
});
