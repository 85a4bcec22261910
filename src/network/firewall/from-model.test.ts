import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isKind } from '../../base/errors.ts';
import type { BridgeSpec, NetworkSpec } from '../model/index.ts';
import { networkIntent } from './from-model.ts';

const BRIDGE: BridgeSpec = {
  name: 'docker0',
  isDefault: true,
  icc: true,
  masquerade: true,
  hostBindingV4: '0.0.0.0',
  mtu: 1500,
  gatewayModeV4: 'nat',
  gatewayModeV6: 'routed',
};

const SPEC: NetworkSpec = {
  id: 'f00',
  name: 'bridge',
  driver: 'bridge',
  createdAt: '2026-01-01T00:00:00Z',
  internal: false,
  attachable: false,
  enableIPv4: true,
  enableIPv6: false,
  ipam: { driver: 'default', options: {}, subnets: [{ subnet: '172.17.0.0/16', gateway: '172.17.0.1' }] },
  bridge: BRIDGE,
  options: {},
  labels: {},
};

test('`networkIntent()` takes over what the firewall needs to know', () => {
  assert.deepEqual(networkIntent(SPEC, [], []), {
    id: 'f00',
    name: 'bridge',
    bridge: 'docker0',
    internal: false,
    icc: true,
    masquerade: true,
    v4: { subnets: ['172.17.0.0/16'], mode: 'nat' },
    ports: [],
    links: [],
  });
});

test('`networkIntent()` sorts subnets by family, each with its mode and source address', () => {
  const subnets = ['fd00::/64', '10.0.0.0/24', '10.0.1.0/24'].map((subnet) => ({ subnet }));
  const intent = networkIntent(
    {
      ...SPEC,
      ipam: { ...SPEC.ipam, subnets },
      bridge: { ...BRIDGE, hostV4: '192.0.2.1', trustedHostInterfaces: ['wg0'] },
    },
    [],
    [],
  );
  assert.deepEqual(intent.v4, { subnets: ['10.0.0.0/24', '10.0.1.0/24'], mode: 'nat', snatTo: '192.0.2.1' });
  assert.deepEqual(intent.v6, { subnets: ['fd00::/64'], mode: 'routed' });
  assert.deepEqual(intent.trustedHostInterfaces, ['wg0']);
});

test('`networkIntent()` refuses a network without a bridge', () => {
  const { bridge: _, ...rest } = SPEC;
  assert.throws(
    () => networkIntent({ ...rest, driver: 'macvlan' }, [], []),
    (error) =>
      isKind(error, 'invalid') && error.message === 'firewall network bridge: driver macvlan has no bridge',
  );
});
