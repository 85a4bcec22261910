import assert from 'node:assert/strict';
import { it } from 'node:test';
import { isErrno } from './ffi/errno.ts';
import { withNetns } from './netns/index.ts';
import { readSysctl, readSysctlNumber, tryWriteSysctl, writeSysctl } from './sysctl.ts';
import { testNetworks } from './testing/netns.ts';

it('`writeSysctl()` changes the setting of the namespace the thread is in, and of no other', () => {
  using networks = testNetworks();
  const box = networks.create('box');
  const name = 'net.ipv4.conf.lo.rp_filter';
  const here = readSysctl(name);
  withNetns(box, () => {
    writeSysctl(name, 2);
    assert.equal(readSysctlNumber(name), 2);
    assert.equal(tryWriteSysctl(name, '1'), true);
    assert.equal(readSysctl(name), '1');
    assert.throws(
      () => writeSysctl('net.ipv4.ip_forward', 'nonsense'),
      (error) =>
        isErrno(error, 'EINVAL') &&
        /write "nonsense" to sysctl net\.ipv4\.ip_forward/.test((error as Error).message),
    );
  });
  assert.equal(readSysctl(name), here);
});
