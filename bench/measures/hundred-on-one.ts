/** Many starts at the same time on one network that was made for them: nobody waits much longer than the others. */

import { type Measure, timed, timedWithCpu } from '../measure.ts';
import { quantile } from '../stats.ts';

const COUNT = 100;
const NETWORK = 'hundred';
const SLOW = 'p99 over p50';

export const hundredOnOne: Measure = {
  name: 'hundred',
  claim: `of ${COUNT} containers of one network that are started at once, hardly one waits more than 3 × the median`,
  rounds: 2,
  warmUps: 0,
  async round(side, read) {
    await side.api('POST', '/v1.41/networks/create', { Name: NETWORK });
    const ids: string[] = [];
    for (let number = 0; number < COUNT; number++) {
      ids.push(await side.create({ hostConfig: { NetworkMode: NETWORK } }));
    }
    let times: number[] = [];
    await timedWithCpu(side, read, `${COUNT} started`, async () => {
      times = await Promise.all(
        ids.map((id) => timed(() => side.api('POST', `/v1.41/containers/${id}/start`))),
      );
    });
    const running = JSON.parse(await side.api('GET', '/v1.41/containers/json')) as unknown[];
    if (running.length !== COUNT) throw new Error(`${side.program}: ${running.length} of ${COUNT} run`);
    const [p50 = 0, p99 = 0] = [quantile(times, 0.5), quantile(times, 0.99)];
    read('one of them: p50', p50);
    read('one of them: p99', p99);
    read(SLOW, p99 / p50, '×');
    read(`${COUNT} removed`, await timed(() => side.clear()));
    await side.api('DELETE', `/v1.41/networks/${NETWORK}`);
  },
  goals: [
    {
      text: `${COUNT} containers on one network started at once: p99 ≤ 3 × p50 (worst round)`,
      bound: 3,
      unit: '×',
      value: (results) => {
        const rounds = results.readings('ours', SLOW);
        return rounds.length === 0 ? undefined : Math.max(...rounds);
      },
    },
  ],
};
