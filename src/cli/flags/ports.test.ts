import assert from 'node:assert/strict';
import { test } from 'node:test';
import { publishedPorts } from './ports.ts';

const bindings = (...publish: string[]) => publishedPorts(publish, []).bindings;

test('`publishedPorts()` reads every form of a published port', () => {
  assert.deepEqual(bindings('80'), { '80/tcp': [{ HostIp: '', HostPort: '' }] });
  assert.deepEqual(bindings('8080:80'), { '80/tcp': [{ HostIp: '', HostPort: '8080' }] });
  assert.deepEqual(bindings('127.0.0.1:8080:80/udp'), {
    '80/udp': [{ HostIp: '127.0.0.1', HostPort: '8080' }],
  });
  assert.deepEqual(bindings('127.0.0.1::80'), { '80/tcp': [{ HostIp: '127.0.0.1', HostPort: '' }] });
  assert.deepEqual(bindings('[::1]:80:80'), { '80/tcp': [{ HostIp: '::1', HostPort: '80' }] });
  assert.deepEqual(bindings('::1:80:80'), { '80/tcp': [{ HostIp: '::1', HostPort: '80' }] });
  assert.deepEqual(bindings('5060:5060/SCTP'), { '5060/sctp': [{ HostIp: '', HostPort: '5060' }] });
});

test('`publishedPorts()` reads the long form', () => {
  assert.deepEqual(bindings('published=53,target=5353,protocol=udp'), {
    '5353/udp': [{ HostIp: '', HostPort: '53' }],
  });
});

test('`publishedPorts()` pairs the ports of two ranges', () => {
  assert.deepEqual(bindings('8000-8002:9000-9002'), {
    '9000/tcp': [{ HostIp: '', HostPort: '8000' }],
    '9001/tcp': [{ HostIp: '', HostPort: '8001' }],
    '9002/tcp': [{ HostIp: '', HostPort: '8002' }],
  });
});

test('`publishedPorts()` leaves the choice from a host range to the daemon', () => {
  assert.deepEqual(bindings('8000-8010:80'), { '80/tcp': [{ HostIp: '', HostPort: '8000-8010' }] });
});

test('`publishedPorts()` collects the bindings of one container port', () => {
  assert.deepEqual(bindings('80:80', '81:80'), {
    '80/tcp': [
      { HostIp: '', HostPort: '80' },
      { HostIp: '', HostPort: '81' },
    ],
  });
});

test('`publishedPorts()` exposes what is published and what is exposed', () => {
  const { exposed, bindings } = publishedPorts(['80'], ['81-82/udp', '80']);
  assert.deepEqual(Object.keys(exposed), ['80/tcp', '81/udp', '82/udp']);
  assert.deepEqual(Object.keys(bindings), ['80/tcp']);
});

for (const [spec, message] of [
  ['foo', 'invalid containerPort: foo'],
  ['80:foo', 'invalid containerPort: foo'],
  ['foo:80', 'invalid hostPort: foo'],
  ['99999:80', 'invalid hostPort: 99999'],
  ['82-80:80', 'invalid hostPort: 82-80'],
  ['80:', 'no port specified: 80:<empty>'],
  ['80:80/foo', 'invalid proto: foo'],
  ['80-82:80-81', 'invalid ranges specified for container and host Ports: 80-81 and 80-82'],
  ['1.2.3:80:80', 'invalid IP address: 1.2.3'],
  ['a=b,c', "invalid publish opts format (should be name=value but got 'c')"],
] as const) {
  test(`\`publishedPorts()\` refuses ${spec}`, () => {
    assert.throws(() => bindings(spec), { message });
  });
}

test('`publishedPorts()` refuses what --expose cannot mean', () => {
  assert.throws(() => publishedPorts([], ['80:80']), { message: 'invalid port format for --expose: 80:80' });
  assert.throws(() => publishedPorts([], ['82-80']), {
    message: 'invalid range format for --expose: 82-80, error: invalid range specified for port: 82-80',
  });
});
