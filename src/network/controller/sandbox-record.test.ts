import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EndpointSpec } from '../model/index.ts';
import { freeInterfaceName } from './sandbox-record.ts';

const named = (ifname: string) => ({ ifname }) as EndpointSpec;

test('`freeInterfaceName()` fills gaps', () => {
  assert.equal(freeInterfaceName([named('eth0'), named('eth2')], 'eth'), 'eth1');
  assert.equal(freeInterfaceName([], 'lan'), 'lan0');
});
