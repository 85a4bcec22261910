/** Many starts at the same time: everybody gets up, and nobody waits much longer than the others. */

import { type Measure, timed, timedWithCpu } from '../measure.ts';
import { median } from '../stats.ts';

const COUNT = 50;
const SLOWEST = 'slowest over median';

export const fiftyAtOnce: Measure = {
  name: 'fifty',
  claim: `of ${COUNT} containers that are created and started at once, all are up, and none takes more than 4 × the median`,
  rounds: 3,
  warmUps: 0,
  async round(side, read) {
    let times: number[] = [];
    await timedWithCpu(side, read, `${COUNT} created and started`, async () => {
      times = await Promise.all(
        Array.from({ length: COUNT }, () =>
          timed(async () => {
            const id = await side.create();
            await side.api('POST', `/v1.41/containers/${id}/start`);
          }),
        ),
      );
    });
    const running = JSON.parse(await side.api('GET', '/v1.41/containers/json')) as unknown[];
    if (running.length !== COUNT) throw new Error(`${side.program}: ${running.length} of ${COUNT} run`);
    read('one of them', median(times) ?? 0);
    read('the slowest', Math.max(...times));
    read(SLOWEST, Math.max(...times) / (median(times) ?? 1), '×');
    read(`${COUNT} removed`, await timed(() => side.clear()));
  },
  goals: [
    {
      text: '50 containers at once: none slower than 4 × the median (worst round)',
      bound: 4,
      unit: '×',
      value: (results) => {
        const rounds = results.readings('ours', SLOWEST);
        return rounds.length === 0 ? undefined : Math.max(...rounds);
      },
    },
  ],
};
