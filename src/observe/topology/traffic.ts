/** Counters of the host's links, `GET /bridgeport/traffic`. */

import type { Traffic } from '../../base/wire/index.ts';
import { RouteClient } from '../../kernel/netlink/index.ts';
import type { NetnsHandle } from '../../kernel/netns/index.ts';

/** @param netns the host's namespace; the thread's own by default */
export function readTraffic(netns?: NetnsHandle | string): Traffic {
  using route = RouteClient.open(netns);
  // The clock of the machine, not of this process: the next reading may be another process's.
  const time = Number(process.hrtime.bigint() / 1000n) / 1000;
  const links = route
    .links()
    .filter(({ loopback }) => !loopback)
    .map(({ name, index, stats }) => ({
      name,
      index,
      rxBytes: stats.rxBytes,
      txBytes: stats.txBytes,
      rxPackets: stats.rxPackets,
      txPackets: stats.txPackets,
      rxDropped: stats.rxDropped,
      txDropped: stats.txDropped,
    }));
  return { time, links };
}
