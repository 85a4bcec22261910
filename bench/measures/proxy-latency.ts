/** How long a request takes at a rate that neither proxy is troubled by. */

import { constantRate } from '../load/constant-rate.ts';
import { type Measure, ratioGoal } from '../measure.ts';
import { PROXIED, startServers, WEB } from '../sides/servers.ts';

const RATE = 10_000;
const SECONDS = 4;
const P99 = 'p99';

export const proxyLatency: Measure = {
  name: 'proxy-latency',
  claim: `at ${RATE} requests/s the slowest hundredth waits half as long as with docker-proxy`,
  rounds: 7,
  async round(side, read) {
    await using _servers = await startServers(side);
    const found = await constantRate(side.host, {
      host: PROXIED,
      port: WEB.host,
      rate: RATE,
      seconds: SECONDS,
      connections: 32,
    });
    read('p50', found.p50);
    read(P99, found.p99);
    read('p99.9', found.p999);
    read('answers/s', found.answered / SECONDS, '/s');
  },
  goals: [ratioGoal(P99, 0.5, `p99 latency at ${RATE} requests/s through the proxy ≤ 0.5 × docker-proxy`)],
};
