import assert from 'node:assert/strict';
import { it } from 'node:test';
import { hostWarnings } from './warnings.ts';

const able = {
  memoryLimit: true,
  swapLimit: true,
  cpuCfs: true,
  cpuShares: true,
  cpuset: true,
  pids: true,
  ipv4Forwarding: true,
  bridgeNfIptables: true,
  bridgeNfIp6tables: true,
};

it("`hostWarnings()` names what is missing, in Docker's words", () => {
  assert.deepEqual(hostWarnings(able), []);
  assert.deepEqual(hostWarnings({ ...able, swapLimit: false, cpuCfs: false, bridgeNfIptables: false }), [
    'WARNING: No swap limit support',
    'WARNING: No cpu cfs quota support',
    'WARNING: No cpu cfs period support',
    'WARNING: bridge-nf-call-iptables is disabled',
  ]);
});
