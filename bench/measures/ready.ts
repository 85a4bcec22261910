/** From the daemon's execution until it answers, and what it then weighs when nobody asks for anything. */

import { setTimeout as sleep } from 'node:timers/promises';
import { type Measure, medianGoal } from '../measure.ts';

const READY = 'exec to first answer';
const RSS = 'daemon RSS';

/** Milliseconds after which a daemon is idle. */
const SETTLED = 3000;

export const ready: Measure = {
  name: 'ready',
  claim: 'the daemon answers within 1.5 s of its execution, and weighs at most 120 MB when idle',
  rounds: 5,
  async round(side, read) {
    await side.stop();
    read(READY, await side.start());
    await sleep(SETTLED);
    let whole = 0;
    for (const { role, rss, pss } of side.memory()) {
      read(`${role} RSS`, rss, 'MB');
      read(`${role} PSS`, pss, 'MB');
      whole += pss;
    }
    read('all of them, PSS', whole, 'MB');
  },
  goals: [
    medianGoal(READY, 1500, 'ms', 'daemon ready ≤ 1.5 s after exec'),
    medianGoal(RSS, 120, 'MB', 'daemon idle ≤ 120 MB (RSS)'),
  ],
};
