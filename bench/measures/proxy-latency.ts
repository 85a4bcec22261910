/** How long a request takes at a rate that neither proxy is troubled by. */

import { constantRate } from '../load/constant-rate.ts';
import { type Measure, ratioGoal } from '../measure.ts';
import { PROXIED, startServers, WEB } from '../sides/servers.ts';

const RATE = 10_000;
const SECONDS = 4;
const CONNECTIONS = 32;
const TOGETHER = 10;
const P99 = 'p99';

export const proxyLatency: Measure = {
  name: 'proxy-latency',
  claim: `at ${RATE} requests/s the slowest hundredth waits half as long as with docker-proxy`,
  rounds: 7,
  async round(side, read) {
    await using servers = await startServers(side);
    const load = { rate: RATE, seconds: SECONDS, connections: CONNECTIONS };
    const proxied = { ...load, host: PROXIED, port: WEB.host };
    const found = await constantRate(side.host, proxied);
    read('p50', found.p50);
    read(P99, found.p99);
    read('p99.9', found.p999);
    read('answers/s', found.answered / SECONDS, '/s');
    const burst = await constantRate(side.host, { ...proxied, together: TOGETHER });
    read(`${TOGETHER} at once: p50`, burst.p50);
    read(`${TOGETHER} at once: p99`, burst.p99);
    // What the machine, nginx and the load itself take without any proxy.
    const direct = await constantRate(side.host, {
      ...load,
      host: servers.address,
      port: WEB.container,
    });
    read('direct: p50', direct.p50);
    read('direct: p99', direct.p99);
  },
  profile: 'proxy-costs.md#latency',
  goals: [ratioGoal(P99, 0.5, `p99 latency at ${RATE} requests/s through the proxy ≤ 0.5 × docker-proxy`)],
};
