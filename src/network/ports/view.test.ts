import assert from 'node:assert/strict';
import { test } from 'node:test';
import { portMapOf } from './view.ts';

const mapping = (hostIp: string, hostPort: number, containerPort: number, count = 1) => ({
  endpointId: 'e',
  proto: 'tcp' as const,
  containerIp: '172.17.0.2',
  containerPort,
  hostIp,
  hostPort,
  ...(count > 1 ? { containerPortEnd: containerPort + count - 1, hostPortEnd: hostPort + count - 1 } : {}),
});

test('what is exposed only has no host side, what is published has all of them', () => {
  assert.deepEqual(portMapOf(['80/tcp', '53/udp'], [mapping('0.0.0.0', 8080, 80), mapping('::', 8080, 80)]), {
    '80/tcp': [
      { HostIp: '0.0.0.0', HostPort: '8080' },
      { HostIp: '::', HostPort: '8080' },
    ],
    '53/udp': null,
  });
});

test('a range is one entry, exposed or not, as far as all of it has the same host sides', () => {
  assert.deepEqual(portMapOf([], [mapping('0.0.0.0', 9000, 8000, 3)]), {
    '8000-8002/tcp': [{ HostIp: '0.0.0.0', HostPort: '9000-9002' }],
  });
});

test('a routed port has an address of the host and no port of it, each of a range', () => {
  const routed = { ...mapping('::', 0, 80, 2), hostPortEnd: 0 };
  assert.deepEqual(portMapOf(['80/tcp'], [routed]), {
    '80-81/tcp': [{ HostIp: '::', HostPort: '' }],
  });
});
