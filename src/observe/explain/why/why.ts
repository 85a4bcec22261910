/** `GET /bridgeport/why`: whether one reaches another, the way of the packet and of the answer, and what stands in the way. */

import { invalid } from '../../../base/errors.ts';
import { Ip, type IpFamily } from '../../../base/ip.ts';
import type { ExplainLanguage, WhyReport } from '../../../base/wire/index.ts';
import { HOST, type HostSnapshot } from '../../packet/snapshot.ts';
import type { Exchange } from '../../packet/walk/exchange.ts';
import type { SnapshotReader } from '../../snapshot/read.ts';
import type { ResolveName } from '../names.ts';
import { missingRules, Ownership } from '../ownership.ts';
import type { ExplainRecords, ExplainSettings } from '../records.ts';
import { CATALOGUES } from '../text/index.ts';
import { partyText, type WhyContext } from './context.ts';
import { unanswered } from './name-causes.ts';
import { BY_HOST, resolveAsked, resolveAsking, serverToExplain } from './names.ts';
import { addressParty, namespaceOf, type Party, readParty, readService } from './parties.ts';
import { type Plan, planQuestion, type Service } from './plan.ts';
import { reportOf } from './report.ts';
import { walkPlan } from './walked.ts';

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
  readonly records: ExplainRecords;
  readonly settings: ExplainSettings;
  /** Of the host and every container's namespace. */
  readonly reader: Pick<SnapshotReader, 'read'>;
  readonly resolve: ResolveName;
  readonly programOf: WhyContext['programOf'];
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
  const { records, resolve } = options;
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
  const ends = { from, to, service, family, language };
  const result = await answer(ends, options);
  return explainServer(result, ends, options);
}

/** Both ends as they are known now. */
export interface WhyEnds {
  readonly from: Party;
  readonly to: Party;
  readonly service: Service | undefined;
  readonly family?: IpFamily | undefined;
  readonly language: ExplainLanguage;
}

interface Answered extends WhyResult {
  readonly context: WhyContext;
}

export async function answer(ends: WhyEnds, options: Omit<WhyOptions, 'resolve'>): Promise<Answered> {
  const { from, to, service, family, language } = ends;
  const { records, settings, reader, programOf } = options;
  const text = CATALOGUES[language];
  const whole = new Set([HOST]);
  for (const { container } of [from, to]) {
    const namespace = container && namespaceOf(container, records);
    if (namespace !== undefined) whole.add(namespace);
  }
  const snapshot = await reader.read(whole);
  const plan = planQuestion(from, to, service, { records, snapshot, family });
  const walked = await walkPlan(plan, whole, snapshot, reader);
  const ownership = new Ownership(records, settings, text.words);
  const book = walked.snapshot.namespaces.get(HOST)?.firewall;
  const missing = book === undefined ? [] : missingRules(ownership, book);
  const common = { records, settings, snapshot: walked.snapshot, ownership, missing, text };
  const context: WhyContext = { ...common, from, to, plan, programOf };
  const { direct: exchange } = walked;
  return { report: reportOf(walked, context, language), plan, exchange, snapshot: walked.snapshot, context };
}

/** Where a name server kept silent, the way to it is what is asked for. */
async function explainServer(
  result: Answered,
  { from, to, language }: WhyEnds,
  options: WhyOptions,
): Promise<WhyResult> {
  const { obstacle } = result.plan;
  const resolution = to.name?.resolution;
  if (obstacle?.kind !== 'name' || obstacle.fault.kind !== 'name-unanswered' || resolution === undefined)
    return result;
  const { question } = obstacle.fault;
  const server = serverToExplain(question, resolution);
  const ip = server && Ip.tryParse(server.address.split('%')[0] ?? '');
  const asker = server?.from === 'host' ? BY_HOST : from;
  const way =
    server &&
    ip &&
    (await answer(
      {
        from: asker,
        to: addressParty({ kind: 'address', asked: server.address }, ip, options.records),
        service: { protocol: 'udp', port: DNS_PORT },
        language,
      },
      options,
    ));
  const { report, context } = result;
  const { text } = context;
  const title = server && text.legs.nameServer(partyText(asker, text), server.address);
  return {
    ...result,
    report: {
      ...report,
      cause: unanswered(obstacle.name, question, way?.report, context),
      remarks: [...report.remarks, ...(way?.report.remarks ?? [])],
      legs: [
        ...report.legs,
        ...(way?.report.legs ?? []).map((leg, index) =>
          index === 0 && title !== undefined ? { ...leg, title } : leg,
        ),
      ],
    },
  };
}
