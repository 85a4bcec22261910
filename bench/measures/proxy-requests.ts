/** Small requests over kept connections: what the proxy costs each of them. */

import { leastRatioGoal, type Measure, ratioGoal } from '../measure.ts';
import { PROXIED, startServers, WEB, wrk } from '../sides/servers.ts';

const SECONDS = 3;
const RATE = 'requests/s through the proxy';
const COST = 'CPU time of daemon and proxy per request';

export const proxyRequests: Measure = {
  name: 'proxy-requests',
  claim: 'the proxy passes twice as many requests over kept connections as docker-proxy',
  rounds: 7,
  async round(side, read) {
    await using servers = await startServers(side);
    const before = side.cpuTime();
    const rate = await wrk(side, { seconds: SECONDS, at: `[${PROXIED}]:${WEB.host}` });
    read(RATE, rate, '/s');
    read(COST, ((side.cpuTime() - before) * 1000) / (rate * SECONDS), 'µs');
    read(
      'requests/s without it',
      await wrk(side, { seconds: 1, at: `${servers.address}:${WEB.container}` }),
      '/s',
    );
  },
  profile: 'proxy-costs.md#requests',
  goals: [
    leastRatioGoal(RATE, 2, 'requests/s kept alive through the proxy ≥ 2 × docker-proxy'),
    // On few processors client, server and proxy share what there is: this one does not depend on how.
    ratioGoal(COST, 0.6, 'CPU time per request ≤ 0.6 × docker-proxy'),
  ],
};
