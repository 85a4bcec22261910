import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isErrno } from './ffi/errno.ts';
import {
  readSysctl,
  readSysctlNumber,
  sysctlPath,
  tryReadSysctl,
  tryWriteSysctl,
  writeSysctl,
} from './sysctl.ts';

describe('sysctl', () => {
  it('`sysctlPath()` reads dotted and slashed names as sysctl(8) does', () => {
    assert.equal(sysctlPath('net.ipv4.ip_forward'), '/proc/sys/net/ipv4/ip_forward');
    assert.equal(sysctlPath('net/ipv4/ip_forward'), '/proc/sys/net/ipv4/ip_forward');
    assert.equal(
      sysctlPath('net.ipv4.conf.eth0/100.forwarding'),
      '/proc/sys/net/ipv4/conf/eth0.100/forwarding',
    );
    assert.equal(
      sysctlPath('net/ipv4/conf/eth0.100/forwarding'),
      '/proc/sys/net/ipv4/conf/eth0.100/forwarding',
    );
  });

  it('`sysctlPath()` refuses names that lead elsewhere', () => {
    for (const name of [
      '',
      'net//x',
      '../etc/passwd',
      'net/../../etc/passwd',
      '/etc/passwd',
      'net..x',
      'net.a//b./../x',
    ]) {
      assert.throws(() => sysctlPath(name), /is not the name of a sysctl/, name);
    }
  });

  it('`readSysctl()` gives the value without its newline', () => {
    assert.match(readSysctl('kernel.osrelease'), /^\d+\.\d+[^\n]*$/);
    assert.ok(readSysctlNumber('kernel/pid_max') > 0);
    assert.throws(() => readSysctlNumber('kernel.ostype'), /"Linux" is not a number/);
  });

  it('a setting that is missing is ENOENT, or undefined and false for those who try', () => {
    assert.throws(
      () => readSysctl('net.ipv4.no_such'),
      (error) =>
        isErrno(error, 'ENOENT') &&
        /read sysctl net\.ipv4\.no_such: no such file/.test((error as Error).message),
    );
    assert.throws(
      () => writeSysctl('net.ipv4.no_such', 1),
      (error) => isErrno(error, 'ENOENT'),
    );
    assert.equal(tryReadSysctl('net.ipv4.no_such'), undefined);
    assert.equal(tryWriteSysctl('net.ipv4.no_such', 1), false);
  });
});
