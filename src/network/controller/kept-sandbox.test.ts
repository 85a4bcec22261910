import assert from 'node:assert/strict';
import { test } from 'node:test';
import { publishRequests } from '../ports/request.ts';
import { isClaimed, isKept } from './kept-sandbox.ts';
import type { SandboxRecord } from './sandbox-record.ts';

const kept = {
  phase: 'open',
  holders: ['app'],
  request: { containerId: 'owner' },
  endpoints: [
    {
      networkId: 'a',
      v4: { address: '10.0.0.9', prefixLength: 24 },
      v6: { address: 'fd00::9', prefixLength: 64 },
    },
  ],
  ports: [
    { proto: 'tcp', hostIp: '0.0.0.0', hostPort: 8080, hostPortEnd: 8089 },
    { proto: 'udp', hostIp: '127.0.0.1', hostPort: 53 },
  ],
} as unknown as SandboxRecord;

test('`isKept()`: open, and held by others alone', () => {
  assert.equal(isKept(kept), true);
  for (const other of [
    { holders: [] },
    { holders: ['app', 'owner'] },
    { phase: 'opening' },
    { phase: 'closing' },
  ] as const) {
    assert.equal(isKept({ ...kept, ...other } as unknown as SandboxRecord), false, JSON.stringify(other));
  }
});

test('`isClaimed()` by an address on the same network', () => {
  const claims = (networkId: string, IPv4Address?: string, IPv6Address?: string) =>
    isClaimed(kept, {
      endpoints: [
        {
          networkId,
          asked: {
            IPAMConfig: { ...(IPv4Address ? { IPv4Address } : {}), ...(IPv6Address ? { IPv6Address } : {}) },
          },
        },
      ],
      ports: [],
    });
  assert.equal(claims('a', '10.0.0.9'), true);
  assert.equal(claims('a', undefined, 'fd00::9'), true);
  assert.equal(claims('a', '10.0.0.8'), false);
  assert.equal(claims('b', '10.0.0.9'), false);
  assert.equal(claims('a'), false);
});

test('`isClaimed()` by a port that is named, where the addresses of the host meet', () => {
  const claims = (port: string, HostPort: string, HostIp = '') =>
    isClaimed(kept, {
      endpoints: [],
      ports: publishRequests({
        bindings: { [port]: [{ HostIp, HostPort }] },
        exposed: [],
        publishAll: false,
        defaultHostIp: '',
      }),
    });
  assert.equal(claims('80/tcp', '8080'), true);
  assert.equal(claims('80/tcp', '8089', '192.0.2.1'), true);
  assert.equal(claims('80/tcp', '8090'), false);
  assert.equal(claims('80/udp', '8080'), false);
  assert.equal(claims('80/tcp', ''), false);
  assert.equal(claims('80/tcp', '8000-8100'), false, 'any of them');
  assert.equal(claims('53/udp', '53', '127.0.0.1'), true);
  assert.equal(claims('53/udp', '53', '192.0.2.1'), false);
  assert.equal(claims('53/udp', '53'), true);
});
