/** What a network costs a start: the same container on the bridge, and with nothing but a loopback. */

import { differenceGoal, type Measure, timed } from '../measure.ts';
import type { Side } from '../sides/side.ts';

const BRIDGE = 'start --network bridge';
const NONE = 'start --network none';

async function start(side: Side, mode: string): Promise<number> {
  const id = await side.create({ hostConfig: { NetworkMode: mode } });
  const time = await timed(() => side.api('POST', `/v1.41/containers/${id}/start`));
  await side.clear();
  return time;
}

export const networkPart: Measure = {
  name: 'network-part',
  claim: 'namespace contents, veth pair, address and rules add at most 10 ms to a start',
  rounds: 30,
  async round(side, read) {
    read(BRIDGE, await start(side, 'bridge'));
    read(NONE, await start(side, 'none'));
  },
  goals: [differenceGoal(BRIDGE, NONE, 10, 'ms', 'network part of a start (bridge against none) ≤ 10 ms')],
};
