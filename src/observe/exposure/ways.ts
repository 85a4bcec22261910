/** Whether a packet from outside gets in to a published port, by the model that `why` walks: rules of everybody's are asked. */

import { setImmediate } from 'node:timers/promises';
import { Ip, type IpFamily } from '../../base/ip.ts';
import { Prefix } from '../../base/prefix.ts';
import type { ExposureWay, PortExposure } from '../../base/wire/index.ts';
import type { Consider, Considered } from '../explain/why/consider.ts';
import { addressParty, type Party } from '../explain/why/parties.ts';
import type { TopologyRecords } from '../topology/records.ts';
import type { BoundAddress, ExposedPort } from './exposure.ts';

/** Ports that are asked for at a stretch. */
const TURN = 2;

/** Causes that say nothing about who is let in: nobody serves the port just now. */
const UNSERVED = new Set(['no-socket', 'other-address', 'paused']);

/** Every port with what becomes of packets for it, and with the reach that is left. */
export async function withWays(
  ports: readonly ExposedPort[],
  consider: Consider,
  records: TopologyRecords,
): Promise<PortExposure[]> {
  const judged: PortExposure[] = [];
  for (const [index, port] of ports.entries()) {
    // Others get their turn of the loop in between.
    if (index % TURN === TURN - 1) await setImmediate();
    judged.push(await withWay(port, consider, records));
  }
  return judged;
}

async function withWay(
  { exposure, mapping, bound }: ExposedPort,
  consider: Consider,
  records: TopologyRecords,
): Promise<PortExposure> {
  const { reach, proto } = exposure;
  if (reach === 'nobody' || (proto !== 'tcp' && proto !== 'udp')) return exposure;
  const { family } = Ip.parse(mapping.hostIp);
  const isRouted = mapping.hostPort === 0;
  const isSingle = !Ip.parse(mapping.hostIp).isUnspecified;
  const port = isRouted ? mapping.containerPort : mapping.hostPort;
  const ask = async (from: Party, address: string | undefined): Promise<Considered> => {
    const to: Party =
      address === undefined
        ? { view: { kind: 'host', asked: 'host' } }
        : addressParty({ kind: 'address', asked: address }, Ip.parse(address), records);
    return consider({ from, to, service: { protocol: proto, port }, family: familyOf(address, family) });
  };
  const own = isRouted ? mapping.containerIp : isSingle ? mapping.hostIp : undefined;
  const ways: ExposureWay[] = [];
  const add = (from: ExposureWay['from'], considered: Considered) => {
    // Without a route to whoever asks, no packet of theirs comes.
    if (considered.walked.direct !== undefined) ways.push(wayOf(from, considered));
  };
  add('host', await ask({ view: { kind: 'host', asked: 'host' } }, own));
  if (reach === 'host') return { ...exposure, ways };
  for (const at of bound) {
    const neighbour = neighbourOf(at);
    if (neighbour === undefined) continue;
    const from = addressParty({ kind: 'address', asked: neighbour }, Ip.parse(neighbour), records);
    add(at.network, await ask(from, own ?? at.address));
  }
  add('world', await ask({ view: { kind: 'world', asked: 'world' } }, own));
  return narrowed({ ...exposure, ways });
}

const familyOf = (address: string | undefined, otherwise: IpFamily) =>
  address === undefined ? otherwise : Ip.parse(address).family;

function wayOf(from: string, { works, cause }: Considered): ExposureWay {
  if (cause === undefined) return { from, open: works ?? null };
  if (UNSERVED.has(cause.kind)) return { from, open: true };
  const { kind, text, owner, rule } = cause;
  const closedBy = { kind, text, owner, ...(rule === undefined ? {} : { rule: rule.text }) };
  return { from, open: false, closedBy };
}

/** Somebody else in the network that an interface of the host is in; `undefined` where there is room for nobody. */
function neighbourOf({ address, prefixLength }: BoundAddress): string | undefined {
  const own = Ip.parse(address);
  const { first } = Prefix.parse(`${address}/${prefixLength}`);
  return [1, 2]
    .map((offset) => first.add(offset))
    .find((ip) => !ip.equals(own) && prefixLength < (own.family === 4 ? 31 : 127))
    ?.toString();
}

/** Without those that are kept out. */
function narrowed(exposure: PortExposure): PortExposure {
  const { reach, from, ways = [] } = exposure;
  const isClosed = (whom: string) => ways.find((way) => way.from === whom)?.open === false;
  const left = from.filter((network) => !isClosed(network));
  const outside = ways.filter((way) => way.from !== 'host');
  const isShut = outside.length > 0 && outside.every(({ open }) => open === false);
  if (isShut) return { ...exposure, reach: isClosed('host') ? 'nobody' : 'host', from: [] };
  return { ...exposure, reach: reach === 'world' && isClosed('world') ? 'lan' : reach, from: left };
}
