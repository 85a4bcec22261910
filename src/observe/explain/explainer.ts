/** The answers of `GET /bridgeport/rules` and `GET /bridgeport/why`: reads the kernel each time, and keeps nothing. */

import type { Log } from '../../base/log.ts';
import type { ExplainLanguage, RulesReport, WhyReport } from '../../base/wire/index.ts';
import type { NetnsHandle } from '../../kernel/netns/index.ts';
import { HOST } from '../packet/snapshot.ts';
import { probe } from '../probe/probe.ts';
import { programOfSocket } from '../snapshot/programs.ts';
import { type NamespacePlace, SnapshotReader } from '../snapshot/read.ts';
import type { ResolveName } from './names.ts';
import type { ExplainRecords, ExplainSettings } from './records.ts';
import { rulesReport } from './rules/report.ts';
import { CATALOGUES } from './text/index.ts';
import { type Consider, considerer } from './why/consider.ts';
import { namespaceOf } from './why/parties.ts';
import { type WhyQuestion, why } from './why/why.ts';

export interface ExplainerOptions extends ExplainSettings {
  readonly records: ExplainRecords;
  readonly resolve: ResolveName;
  /** The host's namespace; the thread's own by default. */
  readonly netns?: NetnsHandle | string | undefined;
  readonly log: Log;
}

export class Explainer {
  readonly #options: ExplainerOptions;

  constructor(options: ExplainerOptions) {
    this.#options = options;
  }

  async rules(language: ExplainLanguage): Promise<RulesReport> {
    const { records, netns, log } = this.#options;
    using reader = new SnapshotReader([], { netns, log });
    const snapshot = await reader.read(new Set([HOST]));
    const book = snapshot.namespaces.get(HOST)?.firewall ?? { tables: [], unread: [] };
    return rulesReport(book, records, this.#options, language);
  }

  /** @throws `not-found` for a name that nobody has, `invalid` for what cannot be asked */
  async why(question: WhyQuestion & { readonly probe?: boolean }): Promise<WhyReport> {
    const { records, resolve } = this.#options;
    const frozen = frozenRecords(records);
    using reader = this.#reader(frozen);
    const consider = this.#considerer(reader, frozen, question.language);
    const result = await why(question, { records: frozen, consider, resolve });
    if (question.probe !== true) return result.report;
    const { plan, exchange, snapshot } = result;
    const tables = snapshot.namespaces.get(HOST)?.firewall.tables ?? [];
    const sent = await probe({
      plan,
      exchange,
      netns: (id) => reader.netns(id),
      hasLegacy: tables.some(({ source }) => source === 'iptables-legacy'),
      text: CATALOGUES[question.language],
    });
    return { ...result.report, probe: sent };
  }

  /**
   * Has several questions asked about one moment.
   *
   * @param namespaces that ways are sure to lead into
   */
  async about<T>(
    language: ExplainLanguage,
    namespaces: Iterable<string>,
    ask: (consider: Consider, records: ExplainRecords) => Promise<T>,
  ): Promise<T> {
    const records = frozenRecords(this.#options.records);
    using reader = this.#reader(records);
    return await ask(this.#considerer(reader, records, language, namespaces), records);
  }

  #reader(records: ExplainRecords): SnapshotReader {
    const { netns, log } = this.#options;
    return new SnapshotReader(placesOf(records), { netns, log });
  }

  #considerer(
    reader: SnapshotReader,
    records: ExplainRecords,
    language: ExplainLanguage,
    namespaces: Iterable<string> = [],
  ): Consider {
    const programOf = (namespace: string, inode: number) => {
      const handle = reader.netns(namespace);
      return handle && programOfSocket(inode, handle.inode);
    };
    return considerer({ records, settings: this.#options, reader, programOf, language, namespaces });
  }
}

/** As they are now: a question asks for them again and again. */
function frozenRecords(records: ExplainRecords): ExplainRecords {
  const [networks, containers, intent] = [records.networks(), records.containers(), records.intent()];
  return { networks: () => networks, containers: () => containers, intent: () => intent };
}

/** Every container that has a namespace of its own. */
function placesOf(records: ExplainRecords): NamespacePlace[] {
  return records
    .containers()
    .flatMap((container) =>
      container.sandbox !== undefined && namespaceOf(container, records) === container.id
        ? [{ id: container.id, title: container.name, path: container.sandbox.path }]
        : [],
    );
}
