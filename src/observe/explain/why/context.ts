/** What the parts of a `why` answer share. */

import type { HostSnapshot } from '../../packet/snapshot.ts';
import { HOST } from '../../packet/snapshot.ts';
import type { TopologyContainer } from '../../topology/records.ts';
import type { ExpectedRule, Ownership } from '../ownership.ts';
import type { ExplainRecords, ExplainSettings } from '../records.ts';
import type { Catalogue } from '../text/index.ts';
import type { Party } from './parties.ts';
import type { Plan } from './plan.ts';

export interface WhyContext {
  readonly records: ExplainRecords;
  readonly settings: ExplainSettings;
  readonly snapshot: HostSnapshot;
  readonly ownership: Ownership;
  readonly missing: readonly ExpectedRule[];
  readonly text: Catalogue;
  readonly from: Party;
  readonly to: Party;
  readonly plan: Plan;
  /** What program holds a socket: its name. */
  readonly programOf: (namespace: string, inode: number) => string | undefined;
}

export function containerOf(
  { records }: Pick<WhyContext, 'records'>,
  namespace: string,
): TopologyContainer | undefined {
  return namespace === HOST ? undefined : records.containers().find(({ id }) => id === namespace);
}

/** `host`, or the container's name, for fields that machines read. */
export function whereOf(context: Pick<WhyContext, 'records'>, namespace: string): string {
  return containerOf(context, namespace)?.name ?? namespace;
}

/** `the host`, `container web`. */
export function placeText(context: Pick<WhyContext, 'records' | 'text'>, namespace: string): string {
  const container = containerOf(context, namespace);
  return container === undefined ? context.text.words.host : context.text.words.container(container.name);
}

/** What an end of the question is called in a sentence. */
export function partyText({ view, container }: Party, { words }: Catalogue): string {
  switch (view.kind) {
    case 'world':
      return words.outside;
    case 'host':
      return words.host;
    case 'network':
      return words.network(view.network?.name ?? view.asked);
    case 'container':
      return words.container(container?.name ?? view.asked);
    case 'name':
      return view.address === undefined ? view.asked : `${view.asked} (${view.address})`;
    case 'address':
      return view.address ?? view.asked;
  }
}
