import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  endpointOptionFindings,
  endpointSysctls,
  linkLocalAddresses,
  linkLocalFindings,
  turnsIPv6Off,
  wantedInterfaceName,
} from './endpoint-options.ts';

const option = (key: string, value: string) => ({ [`com.docker.network.endpoint.${key}`]: value });

test('`endpointSysctls()` puts the interface in its place', () => {
  assert.deepEqual(
    endpointSysctls(
      option('sysctls', 'net.ipv4.conf.IFNAME.log_martians=1,net.ipv6.conf.ifname.mtu=1300'),
      'a.b',
    ),
    [
      { name: 'net/ipv4/conf/a.b/log_martians', value: '1' },
      { name: 'net/ipv6/conf/a.b/mtu', value: '1300' },
    ],
  );
  assert.deepEqual(endpointSysctls({}, 'eth0'), []);
});

test('`turnsIPv6Off()` looks at this interface’s own setting', () => {
  const sysctls = (text: string) => turnsIPv6Off(option('sysctls', text), 'eth1');
  assert.equal(sysctls('net.ipv4.conf.IFNAME.log_martians=1,net.ipv6.conf.IFNAME.disable_ipv6=1'), true);
  assert.equal(sysctls('net.ipv6.conf.IFNAME.disable_ipv6=0'), false);
  assert.equal(turnsIPv6Off({}, 'eth1'), false);
});

test('`endpointOptionFindings()` names settings that are not the interface’s own, and names that are none', () => {
  for (const bad of [
    'net.ipv4.ip_forward=1',
    'kernel.IFNAME.x=1',
    'net.ipv4.conf.IFNAME.a',
    'net.ipv4.conf.IFNAME../x=1',
  ]) {
    assert.match(
      endpointOptionFindings(option('sysctls', bad)).join(),
      /unrecognised network interface sysctl/,
      bad,
    );
  }
  for (const bad of ['sixteen-letters-', '../x', 'a b', 'lo', 'a/b']) {
    assert.match(endpointOptionFindings(option('ifname', bad)).join(), /invalid interface name/, bad);
  }
  assert.deepEqual(endpointOptionFindings({ ...option('ifname', 'lan.7'), ...option('sysctls', '') }), []);
  assert.equal(wantedInterfaceName(option('ifname', '')), undefined);
});

test('`linkLocalAddresses()` takes link-local addresses of both families, with their prefixes', () => {
  assert.deepEqual(linkLocalAddresses(['169.254.1.2', 'FE80::0:1']), [
    { address: '169.254.1.2', prefixLength: 16 },
    { address: 'fe80::1', prefixLength: 64 },
  ]);
  assert.deepEqual(linkLocalFindings(['169.254.1.2', '10.0.0.1', 'fd00::1', 'x', '']), [
    'invalid link-local IP address: 10.0.0.1',
    'invalid link-local IP address: fd00::1',
    'invalid link-local IP address: x',
    'invalid link-local IP address: ',
  ]);
});
