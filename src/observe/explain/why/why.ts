/** `GET /bridgeport/why`: whether one reaches another, the way of the packet and of the answer, and what stands in the way. */

import { invalid } from '../../../base/errors.ts';
import { Ip } from '../../../base/ip.ts';
import type { ExplainLanguage, WhyReport } from '../../../base/wire/index.ts';
import type { HostSnapshot } from '../../packet/snapshot.ts';
import type { Exchange } from '../../packet/walk/exchange.ts';
import type { TopologyRecords } from '../../topology/records.ts';
import type { ResolveName } from '../names.ts';
import { CATALOGUES } from '../text/index.ts';
import type { Consider } from './consider.ts';
import { partyText, type WhyContext } from './context.ts';
import { unanswered } from './name-causes.ts';
import { BY_HOST, resolveAsked, resolveAsking, serverToExplain } from './names.ts';
import { addressParty, type Party, readParty, readService } from './parties.ts';
import type { Plan } from './plan.ts';
import { reportOf } from './report.ts';

/** RFC 1035, 4.2. */
const DNS_PORT = 53;

export interface WhyQuestion {
  readonly from: string;
  readonly to: string;
  /** `tcp/80`, `udp/53`, `icmp`; empty: what the other end most likely serves. */
  readonly service?: string | undefined;
  readonly family?: 4 | 6 | undefined;
  readonly language: ExplainLanguage;
}

export interface WhyOptions {
  readonly records: TopologyRecords;
  readonly consider: Consider;
  readonly resolve: ResolveName;
}

/** The answer, and what it was made of: for the probe, which repeats it with a real packet. */
export interface WhyResult {
  readonly report: WhyReport;
  readonly plan: Plan;
  readonly exchange: Exchange | undefined;
  readonly snapshot: HostSnapshot;
}

/** @throws `not-found` for a name that nobody has, `invalid` for what is no service */
export async function why(question: WhyQuestion, options: WhyOptions): Promise<WhyResult> {
  const { records, consider, resolve } = options;
  const { language, family } = question;
  const text = CATALOGUES[language];
  const service = readService(question.service);
  const asking = readParty(question.from, records);
  const asked = readParty(question.to, records, asking);
  const isOutside = ({ view }: Party) => view.kind === 'world' || view.kind === 'name';
  if (isOutside(asking) && isOutside(asked)) {
    throw invalid('both ends are outside: name one that is on this host');
  }
  const names = { records, resolve, family, text };
  const from = await resolveAsking(asking, names);
  const to = await resolveAsked(asked, from, names);
  const considered = await consider({ from, to, service, family });
  const { context, walked } = considered;
  const report = reportOf(considered, language);
  return {
    report: await withServer(report, context, options),
    plan: context.plan,
    exchange: walked.direct,
    snapshot: walked.snapshot,
  };
}

/** Where a name server kept silent, with the way to it. */
async function withServer(
  report: WhyReport,
  context: WhyContext,
  { records, consider }: WhyOptions,
): Promise<WhyReport> {
  const { plan, from, to, text } = context;
  const { obstacle } = plan;
  const resolution = to.name?.resolution;
  if (obstacle?.kind !== 'name' || obstacle.fault.kind !== 'name-unanswered' || resolution === undefined)
    return report;
  const { question } = obstacle.fault;
  const server = serverToExplain(question, resolution);
  // A link-local address has its zone behind it.
  const ip = server && Ip.tryParse(server.address.split('%')[0] ?? '');
  if (server === undefined || ip === undefined) return report;
  const asker = server.from === 'host' ? BY_HOST : from;
  const way = reportOf(
    await consider({
      from: asker,
      to: addressParty({ kind: 'address', asked: server.address }, ip, records),
      service: { protocol: 'udp', port: DNS_PORT },
    }),
    report.language,
  );
  const title = text.legs.nameServer(partyText(asker, text), server.address);
  return {
    ...report,
    cause: unanswered(obstacle.name, question, way, context),
    remarks: [...report.remarks, ...way.remarks],
    legs: [...report.legs, ...way.legs.map((leg, index) => (index === 0 ? { ...leg, title } : leg))],
  };
}
