/** A range of 500 ports up and down: what Docker's users wait a minute for. */

import { type Measure, type Read, ratioGoal, timed } from '../measure.ts';
import type { Side } from '../sides/side.ts';

const FIRST = 20_000;
const COUNT = 500;
const UP = 'start -p 20000-20499:20000-20499';
const DOWN = 'rm -f of it';
const MEMORY = 'their PSS';
/** How often in a round; dockerd needs a minute and a half for one. */
const TIMES = { ours: 5, peer: 1 };

async function upAndDown(side: Side, read: Read): Promise<void> {
  const ports = Array.from({ length: COUNT }, (_, index) => `${FIRST + index}`);
  const id = await side.create({
    exposed: ports.map((port) => `${port}/tcp`),
    hostConfig: {
      PortBindings: Object.fromEntries(ports.map((port) => [`${port}/tcp`, [{ HostPort: port }]])),
    },
  });
  read(UP, await timed(() => side.api('POST', `/v1.41/containers/${id}/start`)));
  for (const { role, count, pss, anonymous } of side.memory()) {
    if (role !== 'ports') continue;
    read('processes for ports', count, 'count');
    read(MEMORY, pss, 'MB');
    read('of it no pages of a program file', anonymous, 'MB');
  }
  read(DOWN, await timed(() => side.api('DELETE', `/v1.41/containers/${id}?force=1`)));
  await side.clear();
}

export const ports500: Measure = {
  name: 'ports-500',
  claim: 'a range of 500 ports is published and taken back in a hundredth of the time that dockerd needs',
  rounds: 1,
  warmUps: 0,
  async round(side, read) {
    for (let time = 0; time < TIMES[side.name]; time++) await upAndDown(side, read);
  },
  profile: 'proxy-costs.md#memory',
  goals: [
    ratioGoal(UP, 0.01, 'publish 500 ports ≤ 0.01 × dockerd'),
    ratioGoal(DOWN, 0.01, 'unpublish 500 ports ≤ 0.01 × dockerd'),
    ratioGoal(MEMORY, 0.02, 'memory for 500 ports ≤ 0.02 × dockerd'),
  ],
};
