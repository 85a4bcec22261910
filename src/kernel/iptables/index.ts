/** iptables: the programs, and their saved rules read into values. */
export {
  type Counters,
  type IptablesChain,
  type IptablesRule,
  type IptablesTable,
  type IptablesTables,
  parseIptablesSave,
  quoteRuleWord,
  ruleWords,
} from './parse.ts';
export { RuleHandles } from './rule-handles.ts';
export {
  IptablesRunner,
  type IptablesRunnerOptions,
  type IptablesVersion,
  type RestoreOptions,
} from './runner.ts';
