import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Prefix } from '../../base/prefix.ts';
import {
  chooseAddressing,
  type DefaultBridgeAddressing,
  type DefaultBridgeSettings,
  defaultBridgeSpec,
  plainSpec,
} from './default-networks.ts';

const NOTHING = { bip: '', fixedCidr: '', defaultGateway: '' };
const SETTINGS: DefaultBridgeSettings = {
  bridge: '',
  v4: NOTHING,
  enableIPv6: false,
  v6: NOTHING,
  icc: true,
  ipMasq: true,
  ip: '',
  mtu: 1500,
};
const IDENTITY = { id: 'n'.repeat(64), createdAt: '2026-01-01T00:00:00Z' };

function address(
  settings: Partial<DefaultBridgeAddressing>,
  existing: Array<{ address: string; prefixLength: number }> = [],
  family: 4 | 6 = 4,
): string {
  const chosen = chooseAddressing(family, { ...NOTHING, ...settings }, existing, () =>
    Prefix.parse(family === 4 ? '172.17.0.0/16' : 'fd00:1::/64'),
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

function spec(
  settings: Partial<DefaultBridgeSettings>,
  v4: Partial<DefaultBridgeAddressing> = {},
  v6?: Partial<DefaultBridgeAddressing>,
) {
  const whole = {
    ...SETTINGS,
    v4: { ...NOTHING, bip: '172.17.0.1/16', ...v4 },
    v6: { ...NOTHING, ...v6 },
    ...settings,
  };
  const never = () => assert.fail('nothing is to be chosen');
  return defaultBridgeSpec(IDENTITY, 'docker0', whole, {
    v4: chooseAddressing(4, whole.v4, [], never),
    ...(v6 === undefined ? {} : { v6: chooseAddressing(6, whole.v6, [], never) }),
  });
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
  assert.deepEqual(spec({}, { fixedCidr: '172.17.5.0/24', defaultGateway: '172.17.0.9' }).ipam.subnets, [
    {
      subnet: '172.17.0.0/16',
      gateway: '172.17.0.1',
      ipRange: '172.17.5.0/24',
      auxAddresses: { DefaultGatewayIPv4: '172.17.0.9' },
    },
  ]);
  assert.deepEqual(spec({}, { defaultGateway: '172.17.0.1' }).ipam.subnets, [
    { subnet: '172.17.0.0/16', gateway: '172.17.0.1' },
  ]);
  assert.throws(() => spec({}, { fixedCidr: '172.18.0.0/24' }), {
    kind: 'invalid',
    message: /--fixed-cidr "172.18.0.0\/24"/,
  });
  assert.throws(() => spec({}, { fixedCidr: '172.16.0.0/12' }), { kind: 'invalid' });
  assert.throws(() => spec({}, { defaultGateway: '10.0.0.1' }), {
    kind: 'invalid',
    message: /--default-gateway "10.0.0.1"/,
  });
});

test('IPv6: `--bip6`, else what it has, else `--fixed-cidr-v6` as the subnet, else a chosen one', () => {
  assert.equal(address({}, [], 6), 'fd00:1::1 fd00:1::/64');
  assert.equal(address({ fixedCidr: 'fd00:2::/64' }, [], 6), 'fd00:2::1 fd00:2::/64');
  const existing = [{ address: 'fd00:3::7', prefixLength: 64 }];
  assert.equal(address({}, existing, 6), 'fd00:3::7 fd00:3::/64');
  assert.equal(address({ fixedCidr: 'fd00:3::/80' }, existing, 6), 'fd00:3::7 fd00:3::/64');
  assert.equal(address({ fixedCidr: 'fd00:2::/64' }, existing, 6), 'fd00:2::1 fd00:2::/64');
  assert.equal(address({ bip: 'fd00:4::9/64' }, existing, 6), 'fd00:4::9 fd00:4::/64');
});

test('a default bridge with IPv6 has a second subnet', () => {
  const { enableIPv6, ipam } = spec({}, {}, { fixedCidr: 'fd00:2::/64', defaultGateway: 'fd00:2::99' });
  assert.equal(enableIPv6, true);
  assert.deepEqual(ipam.subnets, [
    { subnet: '172.17.0.0/16', gateway: '172.17.0.1' },
    { subnet: 'fd00:2::/64', gateway: 'fd00:2::1', auxAddresses: { DefaultGatewayIPv6: 'fd00:2::99' } },
  ]);
  assert.deepEqual(spec({}, {}, { bip: 'fd00:2::1/64', fixedCidr: 'fd00:2::/80' }).ipam.subnets[1], {
    subnet: 'fd00:2::/64',
    gateway: 'fd00:2::1',
    ipRange: 'fd00:2::/80',
  });
  assert.throws(() => spec({}, {}, { bip: 'fd00:2::1/64', defaultGateway: 'fd00:3::1' }), {
    kind: 'invalid',
    message: /--default-gateway-v6 "fd00:3::1"/,
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
