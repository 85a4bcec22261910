import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLog } from '../../base/log.ts';
import type { RouteClient } from '../../kernel/netlink/index.ts';
import type { BridgeSpec, NetworkSpec, ParentSpec } from '../model/index.ts';
import { BridgeDriver } from './bridge.ts';
import { ParentDriver } from './parent.ts';

// Planning does not look at the kernel.
const route = undefined as unknown as RouteClient;
const bridge = new BridgeDriver(route, { iptables: true, userlandProxy: true }, silentLog);
const macvlan = new ParentDriver('macvlan', route, silentLog);
const ipvlan = new ParentDriver('ipvlan', route, silentLog);

const network = (more: Partial<NetworkSpec>) => ({ internal: false, ...more }) as NetworkSpec;
const onBridge = (settings: Partial<BridgeSpec>, more: Partial<NetworkSpec> = {}) =>
  network({
    bridge: { gatewayModeV4: 'nat', gatewayModeV6: 'nat', ...settings } as BridgeSpec,
    ...more,
  });
const onParent = (parent: Partial<ParentSpec>, more: Partial<NetworkSpec> = {}) =>
  network({ parent: { device: 'eth0', isDummy: false, mode: 'bridge', ...parent }, ...more });
const isolated = { gatewayModeV4: 'isolated', gatewayModeV6: 'isolated' } as const;

test('a bridge leads out by its gateway, unless it is internal or has no address', () => {
  assert.deepEqual(bridge.traits(onBridge({ containerIfacePrefix: 'lan' })), {
    choosesGateway: true,
    hasHostEnd: true,
    hasOwnMac: true,
    wayOut: { 4: 'gateway', 6: 'gateway' },
    interfacePrefix: 'lan',
  });
  assert.deepEqual(bridge.traits(onBridge({}, { internal: true })).wayOut, { 4: 'none', 6: 'none' });
  const { choosesGateway, wayOut } = bridge.traits(onBridge(isolated, { internal: true }));
  assert.deepEqual([choosesGateway, wayOut], [false, { 4: 'none', 6: 'none' }]);
});

test('macvlan leads out by the LAN’s router, unless it is closed', () => {
  assert.deepEqual(macvlan.traits(onParent({})), {
    choosesGateway: true,
    hasHostEnd: false,
    hasOwnMac: true,
    wayOut: { 4: 'gateway', 6: 'gateway' },
    interfacePrefix: 'eth',
  });
  for (const closed of [onParent({ isDummy: true }), onParent({}, { internal: true })]) {
    const { choosesGateway, wayOut } = macvlan.traits(closed);
    assert.deepEqual([choosesGateway, wayOut], [false, { 4: 'none', 6: 'none' }]);
  }
});

test('ipvlan has its parent’s MAC address, and needs no next hop where it routes', () => {
  for (const [mode, way] of [
    ['l2', 'gateway'],
    ['l3', 'on-link'],
    ['l3s', 'on-link'],
  ] as const) {
    const { choosesGateway, hasOwnMac, wayOut } = ipvlan.traits(onParent({ mode, flag: 'bridge' }));
    assert.deepEqual([choosesGateway, hasOwnMac, wayOut], [false, false, { 4: way, 6: way }], mode);
  }
  assert.equal(ipvlan.traits(onParent({ mode: 'l3' }, { internal: true })).wayOut[4], 'none');
});
