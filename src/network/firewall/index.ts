/** The firewall: an intent, and the compilers that turn it into rules. */

export { explainOrigin, type OriginNames, type OriginWords, ownerOfOrigin } from './explain.ts';
export { networkIntent } from './from-model.ts';
export {
  type FirewallIntent,
  familyOf,
  isDirectlyAddressed,
  type NetworkFamilyIntent,
  type NetworkIntent,
  type PerFamily,
} from './intent.ts';
export { compileIptables, IptablesCompiler, type RuleSets } from './iptables/compile.ts';
export { type ChainDifference, differences, membership } from './iptables/difference.ts';
export {
  type ObservedChain,
  type ObservedTable,
  type ObservedTables,
  parseSaved,
} from './iptables/observed.ts';
export {
  type PlanOptions,
  planByTables,
  planTransaction,
  type TransactionPlan,
} from './iptables/plan.ts';
export {
  type ChainSpec,
  emptyRuleSet,
  formatRuleSet,
  type Rule,
  type RuleSet,
  ruleLine,
  TABLES,
  type Table,
  unionChains,
  unionRuleSet,
} from './iptables/rules.ts';
export { loopbackBridges } from './localhost.ts';
export * from './nftables/index.ts';
export { compileNone } from './none.ts';
export { type Origin, type OriginPort, SENTENCES, type SentenceKey } from './origin.ts';
