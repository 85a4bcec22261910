import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refuseReservedGateways, validateSubnets } from './validate.ts';

test('`validateSubnets()` takes what is right', () => {
  validateSubnets([
    { subnet: '10.0.0.0/16', ipRange: '10.0.5.0/24', gateway: '10.0.0.1', auxAddresses: { a: '10.0.0.2' } },
    { subnet: 'fd00::/64', gateway: 'fd00::1' },
  ]);
});

test('`validateSubnets()` names everything that is wrong at once, in Docker words', () => {
  assert.throws(
    () =>
      validateSubnets([
        {
          subnet: '10.0.0.1/16',
          ipRange: '10.1.5.1/8',
          gateway: '10.1.0.1',
          auxAddresses: { a: 'fd00::1', b: '10.9.0.1' },
        },
        { subnet: 'fd00::/64', ipRange: '10.0.0.0/24' },
        { subnet: '10.7.0.0/24', ipRange: '10.8.0.0/25' },
      ]),
    {
      message: [
        'invalid network config:',
        'invalid subnet 10.0.0.1/16: it should be 10.0.0.0/16',
        'invalid ip-range 10.1.5.1/8: CIDR block is bigger than its parent subnet 10.0.0.0/16',
        'invalid ip-range 10.1.5.1/8: it should be 10.0.0.0/8',
        "invalid gateway 10.1.0.1: parent subnet 10.0.0.0/16 doesn't contain this address",
        'invalid auxiliary address a: parent subnet is an IPv4 block',
        "invalid auxiliary address b: parent subnet 10.0.0.0/16 doesn't contain this address",
        'invalid ip-range 10.0.0.0/24: parent subnet is an IPv6 block',
        "invalid ip-range 10.8.0.0/25: parent subnet 10.7.0.0/24 doesn't contain ip-range",
      ].join('\n'),
    },
  );
  assert.throws(
    () =>
      validateSubnets([
        { subnet: '10.0.0.0' },
        { subnet: '10.0.0.0/24', ipRange: 'foobar', gateway: '1001.10.5.3', auxAddresses: { a: 'dummy' } },
      ]),
    {
      message: [
        'invalid network config:',
        'invalid subnet 10.0.0.0: invalid CIDR block notation',
        'invalid ip-range foobar: invalid CIDR block notation',
        'invalid gateway 1001.10.5.3: invalid address',
        'invalid auxiliary address a: invalid address',
      ].join('\n'),
    },
  );
});

test('a gateway is neither the network itself nor its broadcast address', () => {
  for (const [subnet, gateway] of [
    ['10.1.0.0/24', '10.1.0.0'],
    ['10.1.0.0/24', '10.1.0.255'],
    ['fd00::/64', 'fd00::'],
  ] as const) {
    assert.throws(() => refuseReservedGateways([{ subnet, gateway }]), {
      kind: 'forbidden',
      message: `failed to allocate gateway (${gateway}): Address already in use`,
    });
  }
  refuseReservedGateways([
    { subnet: '10.1.0.0/24', gateway: '10.1.0.254' },
    { subnet: '10.1.0.0/31', gateway: '10.1.0.0' },
    { subnet: '10.2.0.0/24' },
    { subnet: 'fd00::/126', gateway: 'fd00::3' },
  ]);
});
