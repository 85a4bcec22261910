/**
 * A minute of new connections that the client closes first, which leaves the proxy's own end in TIME_WAIT each time: 28,000
 * connections to one target later, a proxy that does not mind its local ports has none left.
 */

import { shortConnections } from '../../test/harness/load.ts';
import { type Measure, medianGoal } from '../measure.ts';
import { PROXIED, startServers, WEB } from '../sides/servers.ts';

/** The peer has run out long before. */
const SECONDS = { ours: 60, peer: 20 };
const FAILED = 'connections failed';
/** Clients of their own, each with local ports of its own. */
const SOURCES = Array.from({ length: 50 }, (_, index) => `fd53::${(index + 1).toString(16)}`);

export const proxyClientFirst: Measure = {
  name: 'proxy-client-first',
  claim: 'a minute of connections at full rate that clients close first: none fails',
  rounds: 1,
  warmUps: 0,
  async round(side, read) {
    await using _servers = await startServers(side);
    for (const address of SOURCES)
      await side.host.ok('ip', 'addr', 'add', `${address}/128`, 'dev', 'lo', 'nodad');
    const { made, failed, seconds } = await shortConnections(side.host, {
      host: PROXIED,
      port: WEB.host,
      sources: SOURCES,
      seconds: SECONDS[side.name],
      concurrency: 32,
    });
    for (const address of SOURCES) await side.host.ok('ip', 'addr', 'del', `${address}/128`, 'dev', 'lo');
    read('connections made', made, 'count');
    read(
      FAILED,
      Object.values(failed).reduce((sum, count) => sum + count, 0),
      'count',
    );
    read('made per second', made / seconds, '/s');
  },
  goals: [medianGoal(FAILED, 0, 'count', 'client closes first, 60 s at full rate: no connection fails')],
};
