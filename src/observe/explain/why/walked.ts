/** A plan walked through the snapshot; namespaces that the way leads into are read as it gets there. */

import { Ip } from '../../../base/ip.ts';
import { HOST, type HostSnapshot } from '../../packet/snapshot.ts';
import { type Exchange, type ExchangeQuestion, exchange, type Leg } from '../../packet/walk/exchange.ts';
import type { SnapshotReader } from '../../snapshot/read.ts';
import type { Plan } from './plan.ts';

/** Ways lead into namespaces that nobody has looked into yet; each reading adds at least one. */
const MAX_READINGS = 8;

export interface Walked {
  readonly snapshot: HostSnapshot;
  /** Absent where no packet could be thought of. */
  readonly direct?: Exchange;
  /** What the userland proxy does when it has the connection. */
  readonly proxied?: Exchange;
}

export async function walkPlan(
  plan: Plan,
  whole: Set<string>,
  first: HostSnapshot,
  reader: Pick<SnapshotReader, 'read'>,
): Promise<Walked> {
  let snapshot = first;
  const run = async (question: ExchangeQuestion): Promise<Exchange> => {
    for (let reading = 1; ; reading++) {
      const result = exchange(snapshot, question);
      const visited = [result.there, result.back].flatMap((leg) => (leg === undefined ? [] : visitedBy(leg)));
      const unread = visited.filter((id) => snapshot.namespaces.get(id)?.partial === true);
      if (unread.length === 0 || reading > MAX_READINGS) return result;
      for (const id of unread) whole.add(id);
      snapshot = await reader.read(whole);
    }
  };
  const { asker, destination, protocol, published } = plan;
  if (asker === undefined || destination === undefined) return { snapshot };
  const direct = await run({ asker, protocol, destination });
  const { end } = direct.there;
  // The proxy has it: whoever listens at a published port of the host forwards by a connection of its own.
  const isProxied =
    published !== undefined &&
    end.kind === 'delivered' &&
    end.namespace === HOST &&
    // A rule of somebody's may have given it to another program of the host.
    end.packet.destination.port === destination.port;
  if (!isProxied) return { snapshot, direct };
  const { mapping } = published;
  const port = mapping.containerPort + end.packet.destination.port - mapping.hostPort;
  const proxied = await run({
    asker: { kind: 'namespace', id: HOST },
    protocol,
    destination: { ip: Ip.parse(mapping.containerIp), port },
  });
  return { snapshot, direct, proxied };
}

function visitedBy({ hops, end }: Leg): string[] {
  return [
    end.namespace,
    ...hops.flatMap((hop) => [hop.namespace, ...(hop.kind === 'wire' ? [hop.to.namespace] : [])]),
  ];
}
