import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  deviceCgroupRule,
  parseBytesThrottle,
  parseDevice,
  parseOperationsThrottle,
  parseWeightDevice,
} from './devices.ts';
import { envValue, keyValueFile, keyValueLines, keyValueMap, labelValue } from './env.ts';
import { filterQuery } from './filters.ts';
import { dnsSearch, extraHost, ipAddress, linkValue, streamName } from './hosts.ts';
import { capabilities, parseCpus, parseRestartPolicy, parseUlimit, sysctlValue } from './limits.ts';
import { securityOptions } from './security.ts';

test('`envValue()` takes a bare name’s value from the environment', () => {
  const value = envValue({ HOME: '/root', EMPTY: '' });
  assert.deepEqual(['A=b=c', 'HOME', 'EMPTY', 'NOPE'].map(value), ['A=b=c', 'HOME=/root', 'EMPTY=', 'NOPE']);
  assert.throws(() => value('=x'), { message: 'invalid environment variable: =x' });
});

test('`keyValueLines()` skips comments and keeps values as they are', () => {
  const content = '\uFEFF# comment\n\n  A=1 \nB="quoted"\r\nHOME\nNOPE\nC=a=b#c\n';
  assert.deepEqual(keyValueLines(content, { HOME: '/root' }), [
    'A=1 ',
    'B="quoted"',
    'HOME=/root',
    'C=a=b#c',
  ]);
  assert.throws(() => keyValueLines('a b=c'), { message: "variable 'a b' contains whitespaces" });
  assert.throws(() => keyValueLines('=c'), { message: "no variable name on line '=c'" });
});

test('`keyValueFile()` reads a file and names one that is missing', () => {
  const directory = mkdtempSync(join(tmpdir(), 'bridgeport-cli-env-'));
  try {
    writeFileSync(join(directory, 'file'), 'A=1\n');
    assert.deepEqual(keyValueFile(join(directory, 'file')), ['A=1']);
    assert.throws(() => keyValueFile(join(directory, 'no')), {
      message: `open ${directory}/no: no such file or directory`,
    });
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('`labelValue()` wants a key without white space', () => {
  assert.equal(labelValue('a=b c'), 'a=b c');
  assert.throws(() => labelValue('=b'), { message: "invalid label '=b': empty name" });
  assert.throws(() => labelValue('a b=c'), { message: "label 'a b' contains whitespaces" });
  assert.deepEqual(keyValueMap(['a=b=c', 'd']), { a: 'b=c', d: '' });
});

test('`filterQuery()` groups values by name', () => {
  assert.deepEqual(filterQuery(['status=running', 'Status=exited', 'label=a=b']), {
    status: { running: true, exited: true },
    label: { 'a=b': true },
  });
  assert.equal(filterQuery([]), undefined);
});

test('`parseUlimit()` reads soft and hard limits', () => {
  assert.deepEqual(parseUlimit('nofile=10:20'), { Name: 'nofile', Soft: 10, Hard: 20 });
  assert.deepEqual(parseUlimit('core=0'), { Name: 'core', Soft: 0, Hard: 0 });
  assert.deepEqual(parseUlimit('memlock=-1:-1'), { Name: 'memlock', Soft: -1, Hard: -1 });
  assert.throws(() => parseUlimit('nofile=2:1'), {
    message: 'ulimit soft limit must be less than or equal to hard limit: 2 > 1',
  });
  assert.throws(() => parseUlimit('foo=1'), { message: 'invalid ulimit type: foo' });
  assert.throws(() => parseUlimit('foo'), { message: 'invalid ulimit argument: foo' });
});

test('`parseCpus()` is exact', () => {
  assert.deepEqual(
    ['1.5', '0.1', '.25', '3/2', '2', '0.000000001'].map(parseCpus),
    [1.5e9, 1e8, 25e7, 1.5e9, 2e9, 1],
  );
  assert.throws(() => parseCpus('a'), { message: 'failed to parse a as a rational number' });
  assert.throws(() => parseCpus('1/0'), { message: 'failed to parse 1/0 as a rational number' });
  assert.throws(() => parseCpus('1/3'), { message: 'value is too precise' });
  assert.throws(() => parseCpus('1.2345678901'), { message: 'value is too precise' });
});

test('`parseRestartPolicy()` reads a count', () => {
  assert.deepEqual(parseRestartPolicy('on-failure:3'), { Name: 'on-failure', MaximumRetryCount: 3 });
  assert.deepEqual(parseRestartPolicy('always'), { Name: 'always', MaximumRetryCount: 0 });
  assert.throws(() => parseRestartPolicy(':3'), /no policy provided before colon/);
  assert.throws(() => parseRestartPolicy('on-failure:x'), /maximum retry count must be an integer/);
});

test('`capabilities()` gives full names, once each', () => {
  assert.deepEqual(capabilities(['net_admin', 'CAP_NET_ADMIN', 'all', 'chown']), [
    'ALL',
    'CAP_CHOWN',
    'CAP_NET_ADMIN',
  ]);
});

test('`sysctlValue()` takes only what belongs to a namespace', () => {
  assert.equal(sysctlValue('net.ipv4.ip_forward=1'), 'net.ipv4.ip_forward=1');
  assert.throws(() => sysctlValue('kernel.hostname=x'), {
    message: "sysctl 'kernel.hostname=x' is not allowed",
  });
  assert.throws(() => sysctlValue('net.x'), { message: "sysctl 'net.x' is not allowed" });
});

test('`parseDevice()` reads paths and permissions', () => {
  const device = (value: string) => Object.values(parseDevice(value));
  assert.deepEqual(device('/dev/null'), ['/dev/null', '/dev/null', 'rwm']);
  assert.deepEqual(device('/dev/null:/dev/x'), ['/dev/null', '/dev/x', 'rwm']);
  assert.deepEqual(device('/dev/null:rw'), ['/dev/null', '/dev/null', 'rw']);
  assert.deepEqual(device('/dev/null:/dev/x:r'), ['/dev/null', '/dev/x', 'r']);
  assert.throws(() => device('/dev/null:/dev/x:rr'), { message: 'bad mode specified: rr' });
  assert.throws(() => device('x'), { message: 'x is not an absolute path' });
  assert.throws(() => device('a:b:c:d'), { message: 'bad format for path: a:b:c:d' });
});

test('rates of devices are read with and without units', () => {
  assert.deepEqual(parseBytesThrottle('/dev/sda:1mb'), { Path: '/dev/sda', Rate: 1048576 });
  assert.deepEqual(parseOperationsThrottle('/dev/sda:10'), { Path: '/dev/sda', Rate: 10 });
  assert.deepEqual(parseWeightDevice('/dev/sda:500'), { Path: '/dev/sda', Weight: 500 });
  assert.throws(() => parseBytesThrottle('/x:1'), { message: 'bad format for device path: /x:1' });
  assert.throws(
    () => parseOperationsThrottle('/dev/sda:1mb'),
    /^Error: invalid rate for device: \/dev\/sda:1mb/,
  );
  assert.throws(() => parseWeightDevice('/dev/sda:5'), { message: 'invalid weight for device: /dev/sda:5' });
  assert.equal(deviceCgroupRule('c 1:* rwm'), 'c 1:* rwm');
  assert.throws(() => deviceCgroupRule('x'), { message: "invalid device cgroup format 'x'" });
});

test('`extraHost()` always answers with a colon', () => {
  assert.deepEqual(['a:1.2.3.4', 'a=1.2.3.4', 'a=::1', 'a:[::1]', 'a:host-gateway'].map(extraHost), [
    'a:1.2.3.4',
    'a:1.2.3.4',
    'a:::1',
    'a:::1',
    'a:host-gateway',
  ]);
  assert.throws(() => extraHost('foo'), { message: 'bad format for add-host: "foo"' });
  assert.throws(() => extraHost('foo:bar'), { message: 'invalid IP address in add-host: "bar"' });
});

test('names and addresses of `--dns`, `--dns-search`, `--link` and `-a` are checked', () => {
  assert.equal(ipAddress(' ::1'), '::1');
  assert.throws(() => ipAddress('foo'), { message: 'IP address is not correctly formatted: foo' });
  assert.deepEqual(['example.com.', '.', 'a-b.c'].map(dnsSearch), ['example.com', '.', 'a-b.c']);
  assert.throws(() => dnsSearch('-a'), { message: '-a is not a valid domain' });
  assert.throws(() => dnsSearch('1.2'), { message: '1.2 is not a valid domain' });
  assert.equal(linkValue('a:b'), 'a:b');
  assert.throws(() => linkValue('a:b:c'), { message: 'bad format for links: a:b:c' });
  assert.equal(streamName('STDIN'), 'stdin');
  assert.throws(() => streamName('x'), { message: 'valid streams are STDIN, STDOUT and STDERR' });
});

test('`securityOptions()` reads a profile and takes `systempaths` for itself', () => {
  const directory = mkdtempSync(join(tmpdir(), 'bridgeport-cli-seccomp-'));
  try {
    const path = join(directory, 'profile.json');
    writeFileSync(path, '{ "defaultAction":\n "SCMP_ACT_ALLOW" }');
    assert.deepEqual(
      securityOptions(['no-new-privileges', 'label:disable', `seccomp=${path}`, 'systempaths=unconfined']),
      {
        securityOpt: ['no-new-privileges', 'label:disable', 'seccomp={"defaultAction":"SCMP_ACT_ALLOW"}'],
        unconfinedPaths: true,
      },
    );
    writeFileSync(path, '{');
    assert.throws(() => securityOptions([`seccomp=${path}`]), /^Error: compacting json for seccomp profile/);
    assert.throws(() => securityOptions(['foo']), { message: 'Invalid --security-opt: "foo"' });
  } finally {
    rmSync(directory, { recursive: true });
  }
});
