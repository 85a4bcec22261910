import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chooseGateways, type EndpointSpec, type NetworkSpec, publishingEndpoints } from './index.ts';

const endpoint = (networkId: string, more: Partial<EndpointSpec> = {}): EndpointSpec => ({
  id: networkId,
  networkId,
  containerId: 'c',
  sandboxId: 's',
  ifname: 'eth0',
  aliases: [],
  gatewayPriority: 0,
  driverOptions: {},
  v4: { address: '10.0.0.2', prefixLength: 24, gateway: '10.0.0.1' },
  ...more,
});
const chosen = (...endpoints: EndpointSpec[]) => {
  const { v4, v6 } = chooseGateways(endpoints, (id) => ({ name: id }) as NetworkSpec);
  return [v4?.networkId, v6?.networkId];
};
const closed = { v4: { address: '10.0.0.2', prefixLength: 24 } };

test('`chooseGateways()` takes the highest priority, then the first name, of those that lead out', () => {
  assert.deepEqual(chosen(endpoint('b'), endpoint('a')), ['a', undefined]);
  assert.deepEqual(chosen(endpoint('b', { gatewayPriority: 1 }), endpoint('a')), ['b', undefined]);
  assert.deepEqual(chosen(endpoint('a', { ...closed, gatewayPriority: 9 }), endpoint('b')), ['b', undefined]);
  assert.deepEqual(chosen(endpoint('a', closed)), [undefined, undefined]);
});

test('`chooseGateways()` chooses for each family by itself, and takes a way that needs no next hop', () => {
  const v6 = { address: 'fd00::2', prefixLength: 64, gateway: 'fd00::1' };
  assert.deepEqual(chosen(endpoint('a'), endpoint('b', { v6 })), ['a', 'b']);
  const onLink = { v4: { address: '10.0.0.2', prefixLength: 24, onLink: true } };
  assert.deepEqual(chosen(endpoint('a', onLink)), ['a', undefined]);
});

test('`publishingEndpoints()` takes a way out only if it is a bridge', () => {
  const networkOf = (id: string) =>
    ({ name: id, ...(id === 'lan' ? {} : { bridge: {} }) }) as NetworkSpec | undefined;
  const bridge = endpoint('bridge');
  assert.deepEqual(publishingEndpoints([bridge], networkOf), { v4: bridge, v6: undefined });
  const lan = endpoint('lan', { gatewayPriority: 1 });
  assert.deepEqual(publishingEndpoints([bridge, lan], networkOf), { v4: undefined, v6: undefined });
});
