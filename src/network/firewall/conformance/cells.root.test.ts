/** Every cell of the table, towards real packets: each backend, with the userland proxy and without, whatever the policy. */

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { BACKENDS, type FirewallBackend } from './backend.testing.ts';
import { CELLS, type Cell, describeCell, expectedOutcome } from './cells.ts';
import { conformanceIntent } from './layout.ts';
import { ConformanceWorld } from './stations.testing.ts';

/** As many questions at once; each costs a socket or two. */
const AT_ONCE = 150;
const SECOND_PATIENCE_MS = 4000;

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
            const { bridgedPacketsAreFiltered } = world.world;
            const asked = CELLS.filter((cell) => cell.bridged !== true || bridgedPacketsAreFiltered);
            assert.deepEqual(await askAll(asked, userlandProxy), []);
          });
        }
      }

      async function askAll(cells: readonly Cell[], userlandProxy: boolean): Promise<string[]> {
        const wrong: string[] = [];
        const check = async (cell: Cell) => {
          const expected = expectedOutcome(cell, userlandProxy);
          if ((await world.outcome(cell)) === expected) return undefined;
          // A busy machine can be late with an answer: what is not as it should be is asked again, with time.
          const outcome = await world.outcome(cell, SECOND_PATIENCE_MS);
          if (outcome === expected) return undefined;
          return `${describeCell(cell)}: ${outcome}, want ${expected}: ${cell.why}`;
        };
        for (let start = 0; start < cells.length; start += AT_ONCE) {
          const results = await Promise.all(cells.slice(start, start + AT_ONCE).map(check));
          wrong.push(...results.filter((line) => line !== undefined));
        }
        return wrong;
      }
    });
  }
});
