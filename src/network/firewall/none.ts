/** The compiler for `iptables: false`: no rule at all; published ports are served by the userland proxy alone. */

import type { FirewallIntent } from './intent.ts';
import type { RuleSets } from './iptables/compile.ts';
import { emptyRuleSet } from './iptables/rules.ts';

/** Empty rule sets, whatever the intent. A plan from other rules to these takes ours away. */
export function compileNone(_intent: FirewallIntent): RuleSets {
  return { v4: emptyRuleSet(4), v6: emptyRuleSet(6) };
}
