import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  extraHostLines,
  type HostsInput,
  hostsFile,
  parseResolv,
  type ResolvInput,
  resolvFile,
} from './network-files.ts';

const hosts = (more: Partial<HostsInput>) =>
  hostsFile({
    hostname: 'web',
    domainname: '',
    addresses: [],
    ipv6Disabled: false,
    extraHosts: [],
    hostGatewayIps: [],
    links: [],
    ...more,
  })
    .split('\n')
    .slice(6);

test('/etc/hosts of a container without IPv6 does not speak of it', () => {
  const text = hostsFile({
    ...{ hostname: 'web', domainname: '', addresses: ['172.17.0.2'], ipv6Disabled: true },
    ...{ extraHosts: [], hostGatewayIps: [], links: [] },
  });
  assert.equal(text, '127.0.0.1\tlocalhost\n172.17.0.2\tweb\n');
});

test('/etc/hosts begins with the loopback, ends with a newline, and names the container last', () => {
  const text = hostsFile({
    hostname: 'web',
    domainname: '',
    addresses: ['172.17.0.2', 'fd00::2'],
    ipv6Disabled: false,
    extraHosts: ['db:10.0.0.1', 'six:[fd00::9]'],
    hostGatewayIps: [],
    links: [{ address: '172.17.0.3', names: ['cache', 'abc', 'redis'] }],
  });
  assert.equal(
    text,
    `127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
fe00::\tip6-localnet
ff00::\tip6-mcastprefix
ff02::1\tip6-allnodes
ff02::2\tip6-allrouters
10.0.0.1\tdb
fd00::9\tsix
172.17.0.3\tcache abc redis
172.17.0.2\tweb
fd00::2\tweb
`,
  );
});

test('a hostname with a domain is given in full and in short', () => {
  const addresses = ['172.17.0.2'];
  assert.deepEqual(hosts({ addresses, domainname: 'example.org' }), ['172.17.0.2\tweb.example.org web', '']);
  assert.deepEqual(hosts({ addresses, hostname: 'web.example.org' }), [
    '172.17.0.2\tweb.example.org web',
    '',
  ]);
});

test('a container without addresses has no line of its own', () => {
  assert.deepEqual(hosts({}), ['']);
});

test('`host-gateway` is the addresses of the host, and nothing where there is none', () => {
  const extraHosts = ['host.docker.internal:host-gateway'];
  assert.deepEqual(extraHostLines({ extraHosts, hostGatewayIps: ['172.17.0.1', 'fd00::1'] }), [
    '172.17.0.1\thost.docker.internal',
    'fd00::1\thost.docker.internal',
  ]);
  assert.deepEqual(extraHostLines({ extraHosts, hostGatewayIps: [] }), []);
});

const HOST = `# by hand
domain old.example
nameserver 127.0.0.53 ; stub
nameserver 10.0.0.2
nameserver fd00::53
nameserver no-address
search a.example b.example
options edns0 trust-ad
`;

const resolv = (more: Partial<ResolvInput>) =>
  resolvFile({
    hostText: HOST,
    dns: [],
    search: [],
    options: [],
    ownNamespace: true,
    hasIPv6: false,
    ...more,
  })
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));

test('`parseResolv()` reads servers, the last of search and domain, and options; comments and nonsense are left out', () => {
  assert.deepEqual(parseResolv(HOST), {
    servers: ['127.0.0.53', '10.0.0.2', 'fd00::53'],
    search: ['a.example', 'b.example'],
    options: ['edns0', 'trust-ad'],
  });
  assert.deepEqual(parseResolv('nameserver fe80::1%eth0\nnameserver\n'), {
    servers: ['fe80::1%eth0'],
    search: [],
    options: [],
  });
});

test('the resolvers of the host, but for those that a container cannot reach', () => {
  assert.deepEqual(resolv({}), [
    'nameserver 10.0.0.2',
    'search a.example b.example',
    'options edns0 trust-ad',
  ]);
  assert.deepEqual(resolv({ hasIPv6: true }).slice(0, 2), ['nameserver 10.0.0.2', 'nameserver fd00::53']);
  assert.equal(resolv({ ownNamespace: false }).filter((line) => line.startsWith('nameserver')).length, 3);
});

test('a host whose only resolver is its own gives public ones', () => {
  for (const hostText of ['', 'nameserver 127.0.0.1\n', 'nameserver ::1\n']) {
    assert.deepEqual(resolv({ hostText }), ['nameserver 8.8.8.8', 'nameserver 8.8.4.4'], hostText);
  }
  assert.deepEqual(resolv({ hostText: '', ownNamespace: false }), []);
});

test('each of `--dns`, `--dns-search` and `--dns-opt` replaces what the host says; a dot means no domain', () => {
  assert.deepEqual(resolv({ dns: ['127.0.0.1', 'fd00::1'], search: ['x.example'], options: ['ndots:2'] }), [
    'nameserver 127.0.0.1',
    'nameserver fd00::1',
    'search x.example',
    'options ndots:2',
  ]);
  assert.deepEqual(resolv({ search: ['.'] }), ['nameserver 10.0.0.2', 'options edns0 trust-ad']);
});
