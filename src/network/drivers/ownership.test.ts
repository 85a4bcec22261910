import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endpointMark, networkMark, ownerOf } from './ownership.ts';

test('`ownerOf()` reads what the marks say, and nothing into other aliases', () => {
  assert.deepEqual(ownerOf({ alias: endpointMark('abc') }), { endpointId: 'abc' });
  assert.deepEqual(ownerOf({ alias: networkMark('abc') }), { networkId: 'abc' });
  for (const alias of [undefined, '', 'uplink', 'bridgeport', 'bridgeport network', 'Bridgeport abc']) {
    assert.equal(ownerOf({ alias }), undefined, alias);
  }
});
