/** A connection for each request. */

import { leastRatioGoal, type Measure } from '../measure.ts';
import { PROXIED, startServers, WEB, wrk } from '../sides/servers.ts';

const SECONDS = 3;
const RATE = 'connections/s through the proxy';

export const proxyConnections: Measure = {
  name: 'proxy-connections',
  claim: 'the proxy makes one and a half times as many connections as docker-proxy',
  rounds: 7,
  async round(side, read) {
    await using _servers = await startServers(side);
    const before = side.cpuTime();
    const rate = await wrk(side, { seconds: SECONDS, at: `[${PROXIED}]:${WEB.host}`, close: true });
    read(RATE, rate, '/s');
    read(
      'CPU time of daemon and proxy per connection',
      ((side.cpuTime() - before) * 1000) / (rate * SECONDS),
      'µs',
    );
  },
  profile: 'proxy-costs.md#connections',
  goals: [leastRatioGoal(RATE, 1.5, 'new connections/s through the proxy ≥ 1.5 × docker-proxy')],
};
