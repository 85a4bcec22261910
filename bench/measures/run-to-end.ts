/** A whole life: create, attach, start, end, remove. No goal is set for it. */

import { type Measure, timedWithCpu } from '../measure.ts';

export const runToEnd: Measure = {
  name: 'run-rm',
  claim: '`docker run --rm` of a program that ends at once is quicker than with dockerd',
  rounds: 20,
  async round(side, read) {
    await timedWithCpu(side, read, 'docker run --rm true', () =>
      side.docker('run', '--rm', 'busybox', 'true'),
    );
    await side.clear();
  },
  goals: [],
};
