/**
 * Every cell of the table, towards real packets: each backend, with the userland proxy and without, whatever the policy. And the model
 * behind `bridgeport why` is asked about the same cells in the same world: it has to say what the packets said.
 */

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { modelDisagreements } from '../../../observe/packet/agreement.testing.ts';
import { BACKENDS, type FirewallBackend } from './backend.testing.ts';
import { CELLS, withLocalhostByKernel } from './cells.ts';
import { conformanceIntent } from './layout.ts';
import { ConformanceWorld } from './stations.testing.ts';

describe('cells of the conformance table', { concurrency: true }, () => {
  for (const [name, open] of Object.entries(BACKENDS)) {
    describe(name, { concurrency: false }, () => {
      let world: ConformanceWorld;
      let backend: FirewallBackend;
      before(async () => {
        world = await ConformanceWorld.open();
        backend = world.world.use(open(world.world.host.netns));
      });
      after(() => world?.[Symbol.dispose]());

      // In this order: the policy of iptables, once set, is not set back.
      for (const forwardDrop of [false, true]) {
        for (const userlandProxy of [true, false]) {
          const policy = forwardDrop ? 'dropped' : 'forwarded';
          test(`${userlandProxy ? 'with' : 'without'} the userland proxy, what nobody accepts being ${policy}`, async () => {
            world.setRouteLocalnet(!userlandProxy);
            backend.apply(conformanceIntent(userlandProxy, forwardDrop));
            world.world.forgetConnections();
            assert.deepEqual(await world.disagreements(CELLS, userlandProxy), []);
            assert.deepEqual(await modelDisagreements(world, CELLS, userlandProxy), []);
          });
        }
      }

      test('with the userland proxy, localhost being left to the kernel', async () => {
        world.setRouteLocalnet(true);
        backend.apply({ ...conformanceIntent(true), localhostByKernel: true });
        world.world.forgetConnections();
        const cells = withLocalhostByKernel(
          CELLS.filter(({ from, way }) => from === 'host' || way === 'host'),
        );
        assert.deepEqual(await world.disagreements(cells, true), []);
        assert.deepEqual(await modelDisagreements(world, cells, true), []);
      });
    });
  }
});
