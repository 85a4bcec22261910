import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Prefix } from '../../base/prefix.ts';
import { SubnetSpace } from './subnet-space.ts';
import { ulaPool } from './ula.ts';

test('`ulaPool()` gives the same /48 below fd00::/8 for the same host, another for another', () => {
  const { base, size } = ulaPool('host a');
  assert.equal(base.length, 48);
  assert.equal(size, 64);
  assert.ok(Prefix.parse('fd00::/8').contains(base));
  assert.ok(base.equals(ulaPool('host a').base));
  assert.ok(!base.equals(ulaPool('host b').base));
});

test('networks that name no IPv6 subnet get the /64s of the pool in their order', () => {
  const pool = ulaPool('host a');
  const space = new SubnetSpace([pool]);
  assert.equal(space.allocate(6).toString(), new Prefix(pool.base.first, 64).toString());
  assert.ok(!space.allocate(6).overlaps(new Prefix(pool.base.first, 64)));
});
