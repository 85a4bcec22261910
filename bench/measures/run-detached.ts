/** The whole command that people type, client and all. */

import { type Measure, ratioGoal, timedWithCpu } from '../measure.ts';

const LABEL = 'docker run -d';

export const runDetached: Measure = {
  name: 'run-d',
  claim: '`docker run -d` takes at most half of the time that it takes with dockerd',
  rounds: 20,
  async round(side, read) {
    await timedWithCpu(side, read, LABEL, () => side.docker('run', '-d', 'busybox', 'sleep', '100000'));
    await side.clear();
  },
  goals: [ratioGoal(LABEL, 0.5, 'docker run -d ≤ 0.5 × dockerd')],
};
