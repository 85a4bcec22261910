import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Prefix } from '../../base/prefix.ts';
import {
  chooseAddressing,
  type DefaultBridgeSettings,
  defaultBridgeSpec,
  plainSpec,
} from './default-networks.ts';

const SETTINGS: DefaultBridgeSettings = {
  bridge: '',
  bip: '',
  fixedCidr: '',
  defaultGateway: '',
  icc: true,
  ipMasq: true,
  ip: '',
  mtu: 1500,
};
const IDENTITY = { id: 'n'.repeat(64), createdAt: '2026-01-01T00:00:00Z' };

function address(
  settings: Partial<DefaultBridgeSettings>,
  existing: Array<{ address: string; prefixLength: number }> = [],
): string {
  const chosen = chooseAddressing({ ...SETTINGS, ...settings }, existing, () =>
    Prefix.parse('172.17.0.0/16'),
  );
  return `${chosen.address} ${chosen.subnet}`;
}

test('the address of the bridge: `--bip`, else what it has, else the first of a free subnet', () => {
  assert.equal(address({}), '172.17.0.1 172.17.0.0/16');
  const existing = [
    { address: '10.1.0.7', prefixLength: 24 },
    { address: '10.2.0.1', prefixLength: 24 },
  ];
  assert.equal(address({}, existing), '10.1.0.7 10.1.0.0/24');
  assert.equal(address({ bip: '192.168.5.1/24' }, existing), '192.168.5.1 192.168.5.0/24');
});

test('`--bip` is an address of the bridge, not the network', () => {
  assert.throws(() => address({ bip: '192.168.5.0/24' }), {
    kind: 'invalid',
    message: /--bip "192.168.5.0\/24": .* such as 192.168.5.1\/24/,
  });
  assert.throws(() => address({ bip: '192.168.5.1' }));
});

function spec(settings: Partial<DefaultBridgeSettings>) {
  const whole = { ...SETTINGS, bip: '172.17.0.1/16', ...settings };
  const addressing = chooseAddressing(whole, [], () => assert.fail('--bip is given'));
  return defaultBridgeSpec(IDENTITY, 'docker0', whole, addressing);
}

test('`inspect` shows the options of the second source document', () => {
  assert.deepEqual(spec({}).options, {
    'com.docker.network.bridge.default_bridge': 'true',
    'com.docker.network.bridge.enable_icc': 'true',
    'com.docker.network.bridge.enable_ip_masquerade': 'true',
    'com.docker.network.bridge.host_binding_ipv4': '0.0.0.0',
    'com.docker.network.bridge.name': 'docker0',
    'com.docker.network.driver.mtu': '1500',
  });
  const other = spec({ icc: false, ipMasq: false, ip: '10.0.0.1', mtu: 9000 });
  assert.equal(other.options['com.docker.network.bridge.enable_icc'], 'false');
  assert.equal(other.options['com.docker.network.bridge.enable_ip_masquerade'], 'false');
  assert.equal(other.options['com.docker.network.bridge.host_binding_ipv4'], '10.0.0.1');
  assert.equal(other.options['com.docker.network.driver.mtu'], '9000');
  assert.deepEqual(
    [other.bridge?.icc, other.bridge?.masquerade, other.bridge?.hostBindingV4, other.bridge?.mtu],
    [false, false, '10.0.0.1', 9000],
  );
});

test('`--fixed-cidr` and `--default-gateway` lie within the subnet', () => {
  assert.deepEqual(spec({ fixedCidr: '172.17.5.0/24', defaultGateway: '172.17.0.9' }).ipam.subnets, [
    {
      subnet: '172.17.0.0/16',
      gateway: '172.17.0.1',
      ipRange: '172.17.5.0/24',
      auxAddresses: { DefaultGatewayIPv4: '172.17.0.9' },
    },
  ]);
  assert.deepEqual(spec({ defaultGateway: '172.17.0.1' }).ipam.subnets, [
    { subnet: '172.17.0.0/16', gateway: '172.17.0.1' },
  ]);
  assert.throws(() => spec({ fixedCidr: '172.18.0.0/24' }), {
    kind: 'invalid',
    message: /--fixed-cidr "172.18.0.0\/24"/,
  });
  assert.throws(() => spec({ fixedCidr: '172.16.0.0/12' }), { kind: 'invalid' });
  assert.throws(() => spec({ defaultGateway: '10.0.0.1' }), {
    kind: 'invalid',
    message: /--default-gateway "10.0.0.1"/,
  });
});

test('`host` and `none` have drivers, and nothing else', () => {
  assert.deepEqual(
    (['host', 'none'] as const).map((name) => {
      const { driver, bridge, options, ipam } = plainSpec(IDENTITY, name);
      return [driver, bridge, options, ipam.subnets];
    }),
    [
      ['host', undefined, {}, []],
      ['null', undefined, {}, []],
    ],
  );
});
