/** The calls of a container's life one by one, over a connection that is kept: what the daemon takes, without the client. */

import { type Measure, timedWithCpu } from '../measure.ts';

export const apiCalls: Measure = {
  name: 'api',
  claim: 'create, start, kill and remove each take less time than with dockerd',
  rounds: 20,
  async round(side, read) {
    let id = '';
    await timedWithCpu(side, read, 'create', async () => {
      id = await side.create();
    });
    const call = (label: string, method: string, path: string) =>
      timedWithCpu(side, read, label, () => side.api(method, `/v1.41/containers/${id}${path}`));
    await call('start', 'POST', '/start');
    // `sleep` as process 1 does not hear SIGTERM: a stop would measure its own patience.
    await call('stop (by SIGKILL)', 'POST', '/kill');
    await side.api('POST', `/v1.41/containers/${id}/wait?condition=not-running`);
    await call('rm', 'DELETE', '');
    await side.clear();
  },
  goals: [],
};
