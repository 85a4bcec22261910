/** A network's own calls, over a connection that is kept: made, joined and left by a running container, removed. */

import { type Measure, medianGoal, ratioGoal, timedWithCpu } from '../measure.ts';

const CREATE = 'network create';
const CONNECT = 'network connect';
const DISCONNECT = 'network disconnect';
const REMOVE = 'network rm';

export const networkCalls: Measure = {
  name: 'network',
  claim:
    'making a network takes at most 15 ms, joining and leaving one at most 10 ms, and 0.15 × dockerd each',
  rounds: 20,
  async round(side, read) {
    const container = await side.create();
    await side.api('POST', `/v1.41/containers/${container}/start`);
    let id = '';
    await timedWithCpu(side, read, CREATE, async () => {
      const answer = await side.api('POST', '/v1.41/networks/create', { Name: 'bench' });
      id = (JSON.parse(answer) as { Id: string }).Id;
    });
    const member = { Container: container };
    await timedWithCpu(side, read, CONNECT, () => side.api('POST', `/v1.41/networks/${id}/connect`, member));
    await timedWithCpu(side, read, DISCONNECT, () =>
      side.api('POST', `/v1.41/networks/${id}/disconnect`, member),
    );
    await timedWithCpu(side, read, REMOVE, () => side.api('DELETE', `/v1.41/networks/${id}`));
    await side.clear();
  },
  goals: [
    medianGoal(CREATE, 15, 'ms', 'network create ≤ 15 ms'),
    ratioGoal(CREATE, 0.15, 'network create ≤ 0.15 × dockerd'),
    medianGoal(CONNECT, 10, 'ms', 'network connect ≤ 10 ms'),
    ratioGoal(CONNECT, 0.15, 'network connect ≤ 0.15 × dockerd'),
    medianGoal(DISCONNECT, 10, 'ms', 'network disconnect ≤ 10 ms'),
    ratioGoal(DISCONNECT, 0.15, 'network disconnect ≤ 0.15 × dockerd'),
  ],
};
