/** Every cell of the table, towards real packets: each backend, with the userland proxy and without. */

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

      for (const userlandProxy of [true, false]) {
        test(`${userlandProxy ? 'with' : 'without'} the userland proxy`, async () => {
          world.setRouteLocalnet(!userlandProxy);
          backend.apply(conformanceIntent(userlandProxy));
          world.world.forgetConnections();
          const asked = CELLS.filter(
            (cell) => cell.bridged !== true || world.world.bridgedPacketsAreFiltered,
          );
          const wrong = await askAll(asked, userlandProxy);
          assert.deepEqual(wrong, []);
        });
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
