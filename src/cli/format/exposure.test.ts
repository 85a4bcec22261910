import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PortExposure } from '../../base/wire/index.ts';
import { runAgainst } from '../testing/fake-daemon.ts';

const exposure = (fields: Partial<PortExposure>): PortExposure => ({
  container: { id: 'a'.repeat(64), name: 'web' },
  network: 'bridge',
  proto: 'tcp',
  containerPort: 80,
  hostIp: '0.0.0.0',
  hostPort: 8080,
  reach: 'lan',
  from: ['10.0.0.0/24 on eth0'],
  otherNetworks: true,
  notes: [],
  deciders: [],
  ...fields,
});

const LIST = { 'GET /containers/json': { body: [{ Id: 'a'.repeat(64), Names: ['/web'] }] } };

test('`ps --exposure` has a line per published port of the containers that are listed', async () => {
  const { code, stdout } = await runAgainst(
    {
      ...LIST,
      'GET /bridgeport/exposure': {
        body: [
          exposure({ deciders: ['DOCKER-USER', 'INPUT'], ways: [{ from: 'world', open: true }] }),
          exposure({
            hostIp: '::',
            hostPort: 9000,
            hostPortEnd: 9001,
            containerPortEnd: 81,
            reach: 'world',
            from: [],
          }),
          exposure({ hostPort: 0, from: ['a route to 172.18.0.0/16'], notes: ['and more'] }),
          exposure({ hostIp: '127.0.0.1', reach: 'host', from: [], otherNetworks: false }),
          exposure({ container: { id: 'b', name: 'stopped' } }),
        ],
      },
    },
    ['ps', '--exposure'],
  );
  assert.equal(code, 0);
  assert.deepEqual(stdout.split('\n'), [
    'NAMES     NETWORK   PORT                        REACHED BY',
    'web       bridge    0.0.0.0:8080->80/tcp        LAN (10.0.0.0/24 on eth0), other networks; rules in DOCKER-USER and INPUT may decide otherwise for some',
    'web       bridge    [::]:9000-9001->80-81/tcp   world, other networks',
    'web       bridge    80/tcp                      LAN (a route to 172.18.0.0/16), other networks; and more',
    'web       bridge    127.0.0.1:8080->80/tcp      this host only',
    '',
  ]);
});

test('`ps --exposure` names what closes a port, whose it is, and to whom', async () => {
  const owner = { kind: 'program', program: 'ufw', text: 'ufw' } as const;
  const rule = '-A ufw-user-input -j DROP';
  const closedBy = { kind: 'rule', text: 'The rule drops it.', owner, rule };
  const policy = { kind: 'policy', text: 'The policy of FORWARD drops it (ufw).', owner };
  const { stdout } = await runAgainst(
    {
      ...LIST,
      'GET /bridgeport/exposure': {
        body: [
          exposure({
            ways: [
              { from: 'host', open: true },
              { from: '10.0.0.0/24 on eth0', open: true },
              { from: 'world', open: false, closedBy },
            ],
          }),
          exposure({
            reach: 'host',
            from: [],
            deciders: ['FORWARD'],
            ways: [
              { from: '10.0.0.0/24 on eth0', open: false, closedBy: policy },
              { from: 'world', open: false, closedBy: policy },
            ],
          }),
          exposure({ ways: [{ from: 'world', open: null }] }),
        ],
      },
    },
    ['ps', '--exposure', '--format', '{{.ReachedBy}}'],
  );
  assert.deepEqual(stdout.split('\n'), [
    'LAN (10.0.0.0/24 on eth0), other networks; closed to the world by -A ufw-user-input -j DROP (ufw)',
    'this host only; closed to 10.0.0.0/24 on eth0, the world: The policy of FORWARD drops it (ufw)',
    'LAN (10.0.0.0/24 on eth0), other networks; cannot be told for the world',
    '',
  ]);
});
