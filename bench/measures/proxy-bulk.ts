/** One connection, as many bytes as it takes. */

import { leastRatioGoal, type Measure } from '../measure.ts';
import { IPERF, iperf, PROXIED, startServers } from '../sides/servers.ts';

const SECONDS = 3;
const THROUGH = 'through the proxy';
const DIRECT = 'straight to the container';

export const proxyBulk: Measure = {
  name: 'proxy-bulk',
  claim: 'the proxy passes bulk faster than docker-proxy, and nearly as fast as it goes without a proxy',
  rounds: 5,
  async round(side, read) {
    await using servers = await startServers(side);
    const before = side.cpuTime();
    const rate = await iperf(side, SECONDS, PROXIED, IPERF.host);
    read(THROUGH, rate, 'Gbit/s');
    read('CPU time of daemon and proxy per gigabyte', (side.cpuTime() - before) / ((rate / 8) * SECONDS));
    read(DIRECT, await iperf(side, SECONDS, servers.address, IPERF.container), 'Gbit/s');
  },
  profile: 'proxy-costs.md#bulk',
  goals: [
    leastRatioGoal(THROUGH, 1.1, 'bulk throughput through the proxy ≥ 1.1 × docker-proxy'),
    {
      text: 'bulk throughput through the proxy ≥ 0.9 × direct',
      bound: 0.9,
      atLeast: true,
      unit: '×',
      value: (results) => {
        const [through, direct] = [results.median('ours', THROUGH), results.median('ours', DIRECT)];
        return through === undefined || direct === undefined ? undefined : through / direct;
      },
    },
  ],
};
