import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { RouteClient } from '../../kernel/netlink/index.ts';
import { type NetnsHandle, warmThreadPool } from '../../kernel/netns/index.ts';
import { type TestNetworks, testNetworks } from '../../kernel/testing/netns.ts';
import type { EndpointSpec, NetworkSpec } from '../../network/model/index.ts';
import { isElsewhere } from './whereabouts.ts';

const bridge = { id: 'b', name: 'bridge', driver: 'bridge', bridge: { name: 'docker0' } } as NetworkSpec;
const overlay = { id: 'o', name: 'mesh', driver: 'overlay' } as NetworkSpec;

/** What an engine's API tells of a container, whose process is in the namespace at `path`. */
function recordsOf(path?: string, networkId = 'b') {
  const v4 = { address: '172.17.0.2', prefixLength: 16 };
  const endpoint = { id: 'e', networkId, mac: '02:42:ac:11:00:02', v4 } as EndpointSpec;
  const container = {
    id: 'c',
    name: 'web',
    image: 'web',
    state: 'running',
    pid: 42,
    networkIds: [networkId],
    sharesWith: undefined,
    sandbox: path === undefined ? undefined : { path, endpoints: [endpoint], ports: [] },
    exposedPorts: [],
    publishes: [],
    labels: {},
    links: [],
    names: {},
  };
  return { networks: () => [bridge, overlay], containers: () => [container] };
}

describe('isElsewhere()', () => {
  let networks: TestNetworks;
  /** The engine's own, another with a `docker0` and a veth of the same numbers, one with nothing, and the container's. */
  let engine: NetnsHandle;
  let double: NetnsHandle;
  let empty: NetnsHandle;
  let box: NetnsHandle;

  before(async () => {
    await warmThreadPool();
    networks = testNetworks();
    [engine, double, empty, box] = [
      networks.create('engine'),
      networks.create('double'),
      networks.create('empty'),
      networks.create('box'),
    ];
    const decoy = networks.create('decoy');
    for (const [host, inside] of [
      [engine, box],
      [double, decoy],
    ] as const) {
      using route = RouteClient.open(host);
      const { index: master } = route.addLink({ kind: 'bridge', name: 'docker0', up: true });
      const peer = { name: 'eth0', netns: inside, mac: '02:42:ac:11:00:02' };
      route.addLink({ kind: 'veth', name: 'veth1234567', up: true, master, peer });
    }
  });
  after(() => networks?.[Symbol.dispose]());

  it('goes by the namespace that the other end of a veth is in, not by names and numbers', () => {
    using here = RouteClient.open(engine);
    using there = RouteClient.open(double);
    assert.equal(here.link('veth1234567').index, there.link('veth1234567').index);
    assert.equal(isElsewhere(recordsOf(box.path), engine), false);
    assert.equal(isElsewhere(recordsOf(box.path), double), true);
    assert.equal(isElsewhere(recordsOf(box.path), empty), true);
  });

  it('knows a process that is not the one that was meant', () => {
    assert.equal(isElsewhere(recordsOf(empty.path), engine), true);
  });

  it('goes by the bridges where no container can tell', () => {
    for (const records of [recordsOf(), recordsOf(`${box.path}-gone`), recordsOf(box.path, overlay.id)]) {
      assert.equal(isElsewhere(records, engine), false);
      assert.equal(isElsewhere(records, empty), true);
    }
    assert.equal(isElsewhere({ ...recordsOf(), networks: () => [overlay] }, empty), false);
  });
});
