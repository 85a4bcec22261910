import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chainIds, childChainId, digestOf, shortId, topChainId } from './digest.ts';

test('chainIds() follows the OCI definition', () => {
  const [a, b, c] = ['a', 'b', 'c'].map(digestOf) as [string, string, string];
  const ab = digestOf(`${a} ${b}`);
  assert.deepEqual(chainIds([a, b, c]), [a, ab, digestOf(`${ab} ${c}`)]);
  assert.equal(topChainId([a, b]), ab);
  assert.equal(topChainId([]), '');
  assert.equal(childChainId('', a), a);
});

test('shortId() takes the first 12 digits, with or without algorithm', () => {
  assert.equal(shortId(`sha256:${'0123456789abcdef'.repeat(4)}`), '0123456789ab');
  assert.equal(shortId('0123456789abcdef'), '0123456789ab');
});
