/** The iptables compiler: an intent in, the rules of both families out. Pure. */

import type { IpFamily } from '../../../base/ip.ts';
import { type FirewallIntent, inFamily } from '../intent.ts';
import { localhostBridges } from '../localhost.ts';
import { RuleBuilder } from './builder.ts';
import { addJumps, addReturns, wantsForwardDrop } from './chains.ts';
import { addLinks } from './link.ts';
import { addLocalhost } from './localhost.ts';
import { addLoopbackProtection } from './loopback.ts';
import { addForwarding, addIsolation, addTranslation, familyNetworks } from './network.ts';
import { addPortTranslation, addPublished, publishedRuns } from './port.ts';
import { emptyRuleSet, type RuleSet } from './rules.ts';

/** The rule sets of both families; empty where the family's firewall is not ours to write. */
export interface RuleSets {
  readonly v4: RuleSet;
  readonly v6: RuleSet;
}

/** Compiles an intent. Throws `invalid` when it holds text that is no address, prefix, interface or port range. */
export function compileIptables(intent: FirewallIntent): RuleSets {
  return { v4: compileFamily(intent, 4), v6: compileFamily(intent, 6) };
}

function compileFamily(intent: FirewallIntent, family: IpFamily): RuleSet {
  if (!inFamily(intent.enabled, family)) return emptyRuleSet(family);
  const builder = new RuleBuilder(family);
  const networks = familyNetworks(builder, intent);
  addLoopbackProtection(builder, intent);
  addJumps(builder, intent);
  addForwarding(builder, intent, networks);
  addIsolation(builder, intent, networks);
  addTranslation(builder, intent, networks);
  const localhost = new Set(localhostBridges(intent));
  for (const entry of networks) {
    const runs = publishedRuns(builder, entry);
    addPublished(builder, intent, entry, runs);
    addLinks(builder, entry);
    addPortTranslation(builder, entry, runs, intent.userlandProxy);
    if (localhost.has(entry.network.bridge)) addLocalhost(builder, entry, runs);
  }
  addReturns(builder);
  return builder.finish(wantsForwardDrop(builder, intent));
}
