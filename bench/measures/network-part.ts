/** What a network costs a start: the same container on the bridge, and with nothing but a loopback. */

import { type Measure, medianGoal, timed } from '../measure.ts';
import type { Side } from '../sides/side.ts';

/** Pairs are compared, not medians of all: what is a few milliseconds of a hundred drowns in what else the machine does. */
const PART = 'the difference, pair by pair';
/** Pairs of each round, whose members take turns to be the first. */
const PAIRS = 2;

async function start(side: Side, mode: string): Promise<number> {
  const id = await side.create({ hostConfig: { NetworkMode: mode } });
  const time = await timed(() => side.api('POST', `/v1.41/containers/${id}/start`));
  await side.clear();
  return time;
}

export const networkPart: Measure = {
  name: 'network-part',
  claim: 'interfaces, addresses and rules add at most 10 ms to a start',
  rounds: 20,
  async round(side, read) {
    for (let pair = 0; pair < PAIRS; pair++) {
      const times: Record<string, number> = {};
      for (const mode of pair % 2 === 0 ? ['bridge', 'none'] : ['none', 'bridge']) {
        times[mode] = await start(side, mode);
      }
      const { bridge = 0, none = 0 } = times;
      read('start --network bridge', bridge);
      read('start --network none', none);
      read(PART, bridge - none);
    }
  },
  goals: [medianGoal(PART, 10, 'ms', 'network part of a start (bridge against none) ≤ 10 ms')],
};
