import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EndpointSpec } from '../model/index.ts';
import { completeRecord, freeInterfaceName, type SandboxRecord } from './sandbox-record.ts';

const named = (ifname: string) => ({ ifname }) as EndpointSpec;

test('`freeInterfaceName()` fills gaps', () => {
  assert.equal(freeInterfaceName([named('eth0'), named('eth2')], 'eth'), 'eth1');
  assert.equal(freeInterfaceName([], 'lan'), 'lan0');
});

test('`completeRecord()` gives the record of an earlier version what it lacks, and leaves others as they are', () => {
  const earlier = { id: 's', phase: 'open', request: { containerId: 'c', dns: ['1.1.1.1'] } };
  const complete = completeRecord(earlier as unknown as SandboxRecord);
  assert.deepEqual(complete as unknown, {
    ...earlier,
    holders: ['c'],
    request: { ...earlier.request, dnsOptions: [], ipv6Disabled: false, proxyProtocol: [] },
  });
  assert.deepEqual(completeRecord(complete), complete);
});
