import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressesMeet } from './host-address.ts';

test('`addressesMeet()` where a port cannot be bound to both', () => {
  const meeting = [
    ['', '10.0.0.1'],
    ['', '::1'],
    ['0.0.0.0', '10.0.0.1'],
    ['0.0.0.0', ''],
    ['::', '::1'],
    ['10.0.0.1', '10.0.0.1'],
  ] as const;
  const apart = [
    ['0.0.0.0', '::'],
    ['0.0.0.0', '::1'],
    ['10.0.0.1', '::'],
    ['10.0.0.1', '10.0.0.2'],
    ['::1', '::2'],
  ] as const;
  for (const [a, b] of meeting) assert.ok(addressesMeet(a, b) && addressesMeet(b, a), `${a} and ${b}`);
  for (const [a, b] of apart) assert.ok(!addressesMeet(a, b) && !addressesMeet(b, a), `${a} and ${b}`);
});
