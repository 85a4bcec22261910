/** How names are come by: what explaining needs of a resolver. Whoever can ask name servers hands it in. */

import type { NameQuestion } from '../../base/name-question.ts';
import type { TopologyContainer } from '../topology/records.ts';

/** Looks a name up as the programs of a container do, or those of the host (`undefined`). It takes seconds at most. */
export type ResolveName = (asking: TopologyContainer | undefined, name: string) => Promise<NameResolution>;

export interface NameResolution {
  /** In the order in which they were asked. */
  readonly questions: readonly NameQuestion[];
  /** What was found: of the last question. */
  readonly addresses: readonly string[];
  /** Where the engine answers names for the container. */
  readonly embedded?: EmbeddedResolver;
}

/** Whom the engine's resolver asks for names that are not its own. */
export interface EmbeddedResolver {
  /** Where it answers in the container. */
  readonly address: string;
  readonly upstreams: readonly NameServer[];
  /** It asks them for names without a dot, too. */
  readonly asksSingleLabels: boolean;
}

export interface NameServer {
  readonly address: string;
  /** Whose network it is asked from. */
  readonly from: 'host' | 'container';
}
