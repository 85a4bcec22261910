/** Requests to a published port where the kernel translates: from this host by 127.0.0.1, and from another one. */

import { HOST_IP } from '../../test/harness/host.ts';
import { leastRatioGoal, type Measure, medianGoal, type Results } from '../measure.ts';
import { startServers, WEB, wrk } from '../sides/servers.ts';

const SECONDS = 2;
const LOCALHOST = 'requests/s by 127.0.0.1';
const COST = 'CPU time of daemon and proxy per request by 127.0.0.1';
const DIRECT = "requests/s by the container's address";
const REMOTE = 'requests/s from another host';

/** Ours over ours. */
function localhostOverDirect(results: Results): number | undefined {
  const [localhost, direct] = [results.median('ours', LOCALHOST), results.median('ours', DIRECT)];
  return localhost === undefined || direct === undefined ? undefined : localhost / direct;
}

export const natRequests: Measure = {
  name: 'nat-requests',
  claim:
    'with rules, localhost is served at the speed of the kernel, and other hosts as fast as with dockerd',
  rounds: 7,
  async round(side, read) {
    await using servers = await startServers(side);
    const ask = (at: string, from?: typeof side.host.world) =>
      wrk(side, { seconds: SECONDS, at, ...(from === undefined ? {} : { from }) });
    const before = side.cpuTime();
    const rate = await ask(`127.0.0.1:${WEB.host}`);
    read(LOCALHOST, rate, '/s');
    read(COST, ((side.cpuTime() - before) * 1000) / (rate * SECONDS), 'µs');
    read(DIRECT, await ask(`${servers.address}:${WEB.container}`), '/s');
    read(REMOTE, await ask(`${HOST_IP}:${WEB.host}`, side.host.world), '/s');
  },
  goals: [
    leastRatioGoal(LOCALHOST, 2, 'localhost requests/s ≥ 2 × dockerd (docker-proxy)'),
    {
      text: 'localhost within 10 % of direct to the container',
      bound: 0.9,
      atLeast: true,
      unit: '×',
      value: localhostOverDirect,
    },
    // What the proxy does for a request is more than this; on a busy machine it tells better than the rate who serves it.
    medianGoal(COST, 1, 'µs', 'no process of ours has a part in it'),
    leastRatioGoal(REMOTE, 0.95, 'from another host, NAT: within 5 % of dockerd or better'),
  ],
};
