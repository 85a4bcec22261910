/** The iptables compiler: an intent in, the rules of both families out. Pure. */

import type { IpFamily } from '../../../base/ip.ts';
import { type FirewallIntent, inFamily, type NetworkIntent } from '../intent.ts';
import { localhostBridges } from '../localhost.ts';
import { RuleBuilder } from './builder.ts';
import { addJumps, addReturns, wantsForwardDrop } from './chains.ts';
import { addLinks } from './link.ts';
import { addLocalhost, addLocalhostJump } from './localhost.ts';
import { addLoopbackProtection } from './loopback.ts';
import {
  addForwarding,
  addIsolation,
  addTranslation,
  familyNetwork,
  familyNetworks,
  isolationRules,
  type NetworkRules,
} from './network.ts';
import { addPortTranslation, addPublished, publishedRuns } from './port.ts';
import { emptyRuleSet, type RuleBlock, type RuleSet } from './rules.ts';

/** The rule sets of both families; empty where the family's firewall is not ours to write. */
export interface RuleSets {
  readonly v4: RuleSet;
  readonly v6: RuleSet;
}

/** Compiles an intent. Throws `invalid` when it holds text that is no address, prefix, interface or port range. */
export function compileIptables(intent: FirewallIntent): RuleSets {
  return new IptablesCompiler().compile(intent);
}

/**
 * Compiles one intent after the other, and makes anew only the rules of networks that have changed: with a thousand of them nearly all
 * is as it was. What is the same in two rule sets is then the same block.
 */
export class IptablesCompiler {
  #settings = '';
  #known = nothingKnown();

  compile(intent: FirewallIntent): RuleSets {
    const { networks: _, ...rest } = intent;
    const settings = JSON.stringify(rest);
    if (settings !== this.#settings) this.#known = nothingKnown();
    this.#settings = settings;
    return {
      v4: compileFamily(intent, 4, this.#known[4]),
      v6: compileFamily(intent, 6, this.#known[6]),
    };
  }
}

/** What earlier compilations made. */
interface Known {
  /** By the network's intent, which is another object when anything about the network is another. */
  readonly networks: WeakMap<NetworkIntent, NetworkRules>;
  readonly common: Map<string, RuleBlock>;
}

function nothingKnown(): Record<IpFamily, Known> {
  const nothing = (): Known => ({ networks: new WeakMap(), common: new Map() });
  return { 4: nothing(), 6: nothing() };
}

function compileFamily(intent: FirewallIntent, family: IpFamily, known: Known): RuleSet {
  if (!inFamily(intent.enabled, family)) return emptyRuleSet(family);
  const builder = new RuleBuilder(family, known.common);
  const networks = familyNetworks(intent, family).map((network) => {
    const found = known.networks.get(network) ?? networkRules(builder, intent, network);
    known.networks.set(network, found);
    return found;
  });
  const newest = networks.toReversed();
  addLoopbackProtection(builder, intent);
  addJumps(builder, intent);
  for (const { forwarding } of networks) builder.take(forwarding);
  addIsolation(builder, intent, newest);
  for (const { translation } of newest) builder.take(translation);
  for (const { published } of networks) builder.take(published);
  if (family === 4 && localhostBridges(intent).length > 0) addLocalhostJump(builder);
  addReturns(builder);
  return builder.finish(wantsForwardDrop(builder, intent));
}

/** What is made here depends on the network and on settings, and on no other network. */
function networkRules(builder: RuleBuilder, intent: FirewallIntent, network: NetworkIntent): NetworkRules {
  const entry = familyNetwork(network, builder.family);
  const servesLocalhost = localhostBridges({ ...intent, networks: [network] }).length > 0;
  return {
    entry,
    forwarding: builder.collect(() => addForwarding(builder, intent, entry)),
    ...isolationRules(builder, intent, entry),
    translation: builder.collect(() => addTranslation(builder, intent, entry)),
    published: builder.collect(() => {
      const runs = publishedRuns(builder, entry);
      addPublished(builder, intent, entry, runs);
      addLinks(builder, entry);
      // Before what each port adds at the end of the same chain.
      if (servesLocalhost) addLocalhost(builder, entry, runs);
      addPortTranslation(builder, entry, runs, intent.userlandProxy);
    }),
  };
}
