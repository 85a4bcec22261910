/** Everybody's rules, as the tools of the machine print them. */

import { IptablesRunner } from '../kernel/iptables/index.ts';
import { NftContext } from '../kernel/nft/index.ts';
import type { RuleReaders } from '../observe/exposure/read.ts';

export const ruleReaders: RuleReaders = {
  saveIptables: (family) => new IptablesRunner({ family }).save('filter'),
  // Without the elements of sets.
  listRuleset() {
    using context = NftContext.open();
    return context.run('list ruleset', { output: ['stateless', 'terse'] });
  },
};
