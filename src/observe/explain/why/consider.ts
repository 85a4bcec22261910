/** Questions about one moment of a host, each thought through to its verdict: what several of them need is worked out once. */

import type { IpFamily } from '../../../base/ip.ts';
import type { ExplainLanguage, WhyCause } from '../../../base/wire/index.ts';
import type { Ternary } from '../../packet/condition.ts';
import type { Rulebook } from '../../packet/rulebook.ts';
import { HOST, type HostSnapshot } from '../../packet/snapshot.ts';
import type { SnapshotReader } from '../../snapshot/read.ts';
import { type ExpectedRule, missingRules, Ownership } from '../ownership.ts';
import type { ExplainRecords, ExplainSettings } from '../records.ts';
import { CATALOGUES } from '../text/index.ts';
import type { WhyContext } from './context.ts';
import { namespaceOf, type Party } from './parties.ts';
import { planQuestion, type Service } from './plan.ts';
import { bothWork, causeOf } from './verdict.ts';
import { type Walked, walkPlan } from './walked.ts';

export interface ConsiderOptions {
  readonly records: ExplainRecords;
  readonly settings: ExplainSettings;
  /** Of the host and every container's namespace. */
  readonly reader: Pick<SnapshotReader, 'read'>;
  readonly programOf: WhyContext['programOf'];
  /** Of everything that is said. */
  readonly language: ExplainLanguage;
  /** Namespaces that ways are sure to lead into. */
  readonly namespaces?: Iterable<string>;
}

/** Both ends as they are known now. */
export interface WhyEnds {
  readonly from: Party;
  readonly to: Party;
  readonly service: Service | undefined;
  readonly family?: IpFamily | undefined;
}

export interface Considered {
  readonly context: WhyContext;
  readonly walked: Walked;
  /** Undefined: it cannot be told. */
  readonly works: Ternary;
  /** The one thing that is to be changed; only where it does not work. */
  readonly cause: WhyCause | undefined;
}

export type Consider = (ends: WhyEnds) => Promise<Considered>;

export function considerer(options: ConsiderOptions): Consider {
  const { records, settings, reader, programOf, language, namespaces = [] } = options;
  const text = CATALOGUES[language];
  const ownership = new Ownership(records, settings, text.words);
  let known: { book: Rulebook | undefined; missing: readonly ExpectedRule[] } | undefined;
  const missingIn = (book: Rulebook | undefined) => {
    if (known?.book !== book || known === undefined)
      known = { book, missing: book === undefined ? [] : missingRules(ownership, book) };
    return known.missing;
  };
  const whole = new Set([HOST, ...namespaces]);
  let read: HostSnapshot | undefined;
  return async ({ from, to, service, family }) => {
    for (const { container } of [from, to]) {
      const namespace = container && namespaceOf(container, records);
      if (namespace !== undefined) whole.add(namespace);
    }
    const unread = [...whole].some((id) => read?.namespaces.get(id)?.partial !== false);
    const before = read === undefined || unread ? await reader.read(whole) : read;
    const plan = planQuestion(from, to, service, { records, snapshot: before, family });
    const walked = await walkPlan(plan, whole, before, reader);
    const { snapshot } = walked;
    read = snapshot;
    const missing = missingIn(snapshot.namespaces.get(HOST)?.firewall);
    const common = { records, settings, snapshot, ownership, missing, text };
    const context: WhyContext = { ...common, from, to, plan, programOf };
    const cause = causeOf(walked, context);
    const works = cause === undefined ? bothWork(walked.direct, walked.proxied) : false;
    return { context, walked, works, cause };
  };
}
