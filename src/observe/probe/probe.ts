/**
 * Sends a real packet after the model's, has the kernel trace it through the host's chains, and says where the two differ.
 *
 * What it adds is one table of nftables that marks the packets of the probe's own port. The table belongs to the socket that made it
 * (`flags owner`), so that the kernel takes it away when this process ends, however it ends.
 */

import { messageOf } from '../../base/errors.ts';
import type { WhyProbe } from '../../base/wire/index.ts';
import { NftTrace, type TraceEvent } from '../../kernel/netlink/index.ts';
import type { NetnsHandle } from '../../kernel/netns/index.ts';
import { NftContext } from '../../kernel/nft/index.ts';
import type { Catalogue } from '../explain/text/index.ts';
import type { Plan } from '../explain/why/plan.ts';
import { HOST } from '../packet/snapshot.ts';
import type { Exchange } from '../packet/walk/exchange.ts';
import { ProbeClient } from './client.ts';
import { compareProbe } from './compare.ts';
import { RuleHandles } from './handles.ts';

export interface ProbeOptions {
  readonly plan: Plan;
  /** What the model says. */
  readonly exchange: Exchange | undefined;
  /** An open namespace by its id; undefined for those that cannot be entered. */
  readonly netns: (id: string) => NetnsHandle | undefined;
  /** Rules of iptables-legacy decide too. */
  readonly hasLegacy: boolean;
  readonly text: Catalogue;
}

/** Milliseconds that an answer may take: a dropped SYN is sent again after a second. */
const PATIENCE = 900;
/** Chains before every other: raw is asked at -300. */
const PRIORITY = -400;

export async function probe({ plan, exchange, netns, hasLegacy, text }: ProbeOptions): Promise<WhyProbe> {
  const { asker, destination, protocol } = plan;
  const no = (why: string): WhyProbe => ({
    traced: false,
    agrees: null,
    text: text.probe.cannot(why),
    events: [],
  });
  if (asker === undefined || destination === undefined || exchange === undefined)
    return no(text.probe.nothingToSend());
  if (protocol !== 'tcp' && protocol !== 'udp') return no(text.probe.onlyTcpUdp());
  if (asker.kind === 'outside') return no(text.probe.outside());
  const [from, host] = [netns(asker.id), netns(HOST)];
  if (from === undefined || host === undefined) return no(text.probe.nothingToSend());
  const { ip, port } = destination;
  using client = ProbeClient.open(from, protocol, ip.family);
  using trace = NftTrace.open(host);
  using nft = NftContext.open(host);
  const table = `bridgeport-probe-${process.pid}-${client.port}`;
  try {
    nft.run(probeTable(table, protocol, client.port));
  } catch (error) {
    return no(messageOf(error));
  }
  const outcome = await client.ask(ip.toString(), port, protocol, PATIENCE);
  const events = trace.read();
  nft.run(`delete table inet ${table}`);
  const own = packetsOf(events, table, client.port);
  const handles = RuleHandles.read(nft, own);
  return compareProbe({ exchange, outcome, protocol, events: own, handles, hasLegacy, text });
}

/** Marks what goes from the probe's port and what comes back to it. */
function probeTable(name: string, protocol: 'tcp' | 'udp', port: number): string {
  const chain = (hook: string) => `  chain ${hook} {
    type filter hook ${hook} priority ${PRIORITY}; policy accept;
    ${protocol} sport ${port} meta nftrace set 1
    ${protocol} dport ${port} meta nftrace set 1
  }`;
  return `table inet ${name} {\n  flags owner;\n${chain('prerouting')}\n${chain('output')}\n}`;
}

/** Reports on packets of the probe's port, from and to; those of our own table say nothing, nor do rules without a name. */
function packetsOf(events: readonly TraceEvent[], table: string, port: number): TraceEvent[] {
  const ids = new Set(events.filter(({ ports }) => ports?.includes(port)).map(({ id }) => id));
  return events.filter(
    (event) =>
      ids.has(event.id) && event.table !== table && !(event.type === 'rule' && event.handle === undefined),
  );
}
