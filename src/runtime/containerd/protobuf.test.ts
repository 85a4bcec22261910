import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  any,
  bool,
  bytes,
  double,
  field,
  int,
  message,
  repeated,
  string,
  stringMap,
  sub,
  subMap,
  subs,
  timestamp,
  uint64,
} from './protobuf.ts';

// Expected bytes are from protobuf's own documentation, or worked out by hand from its encoding rules.

test('`encode()` writes the documented examples', () => {
  const test1 = message({ a: field(1, int) });
  assert.equal(test1.encode({ a: 150 }).toString('hex'), '089601');
  const test2 = message({ b: field(2, string) });
  assert.equal(test2.encode({ b: 'testing' }).toString('hex'), '120774657374696e67');
  const test3 = message({ c: sub(3, test1) });
  assert.equal(test3.encode({ c: { a: 150 } }).toString('hex'), '1a03089601');
});

test('zeros are not sent, and are read back as zeros', () => {
  const type = message({
    n: field(1, int),
    s: field(2, string),
    b: field(3, bool),
    m: sub(4, any),
    l: repeated(5, int),
  });
  assert.equal(type.encode({ n: 0, s: '', b: false, l: [] }).length, 0);
  assert.deepEqual(type.decode(Buffer.alloc(0)), { n: 0, s: '', b: false, m: undefined, l: [] });
});

test('every kind of field survives a round trip', () => {
  const inner = message({ x: field(1, int) });
  const type = message({
    negative: field(1, int),
    big: field(2, int),
    text: field(3, string),
    yes: field(4, bool),
    raw: field(5, bytes),
    at: field(6, timestamp),
    map: stringMap(7),
    inner: sub(8, inner),
    inners: subs(9, inner),
    innerMap: subMap(10, inner),
    strings: repeated(11, string),
    real: field(12, double),
    far: field(1000, string),
  });
  const value = {
    negative: -1,
    big: Number.MAX_SAFE_INTEGER,
    text: 'häh 🐳',
    yes: true,
    raw: Buffer.from([0, 255]),
    at: new Date('2026-01-02T03:04:05.678Z'),
    map: { a: '1', '': 'empty key', __proto__x: '' },
    inner: { x: 1 },
    inners: [{ x: 2 }, { x: 0 }],
    innerMap: { k: { x: 3 } },
    strings: ['', 'b'],
    real: -0.5,
    far: 'tag of two bytes',
  };
  assert.deepEqual(type.decode(type.encode(value)), value);
});

test('times before the epoch keep their milliseconds', () => {
  const type = message({ at: field(1, timestamp) });
  const at = new Date(-1_500.5);
  assert.equal(type.decode(type.encode({ at })).at!.getTime(), at.getTime());
});

test('uint64 beyond 2^53 is rounded, never negative', () => {
  const signed = message({ n: field(1, int) });
  const unsigned = message({ n: field(1, uint64) });
  const allOnes = Buffer.from('08ffffffffffffffffff01', 'hex');
  assert.equal(signed.decode(allOnes).n, -1);
  assert.equal(unsigned.decode(allOnes).n, 2 ** 64);
  // 0x7ffffffffffff000, cgroup v1's "no limit", nine bytes long.
  assert.equal(unsigned.decode(Buffer.from('0880e0ffffffffffff7f', 'hex')).n, 2 ** 63 - 4096);
});

test('unknown fields of every wire type are skipped', () => {
  const type = message({ last: field(15, string) });
  const unknown = `08960111${'00'.repeat(8)}1a0301020325${'00'.repeat(4)}`;
  assert.equal(type.decode(Buffer.from(`${unknown}7a0161`, 'hex')).last, 'a');
});

test('packed and unpacked repeated numbers are both read', () => {
  const type = message({ n: repeated(4, uint64) });
  assert.deepEqual(type.decode(Buffer.from('2206038e029ea705', 'hex')).n, [3, 270, 86942]);
  assert.deepEqual(type.decode(Buffer.from('2003208e02', 'hex')).n, [3, 270]);
});

test('a message cut short is refused', () => {
  const type = message({ s: field(1, string), n: field(2, int) });
  assert.throws(() => type.decode(Buffer.from('0a05616263', 'hex')), RangeError);
  assert.throws(() => type.decode(Buffer.from('10ff', 'hex')), RangeError);
  assert.throws(() => type.decode(Buffer.from(`10${'ff'.repeat(11)}`, 'hex')), RangeError);
});

test('a map key called __proto__ is a key', () => {
  const type = message({ labels: stringMap(1) });
  const decoded = type.decode(Buffer.from('0a0e0a095f5f70726f746f5f5f120178', 'hex'));
  assert.deepEqual(Object.keys(decoded.labels), ['__proto__']);
  assert.equal(Object.getPrototypeOf(decoded.labels), Object.prototype);
});
