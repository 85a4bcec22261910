/** What explaining needs of an engine's records; whoever keeps them hands them in. */

import type { FirewallIntent } from '../../network/firewall/index.ts';
import type { TopologyRecords } from '../topology/records.ts';

export interface ExplainRecords extends TopologyRecords {
  /** What the engine wants the firewall to do; undefined where it writes no rules. */
  intent(): FirewallIntent | undefined;
}

export interface ExplainSettings {
  /** Whose records these are: what its rules are called. */
  readonly engine: 'Bridgeport' | 'Docker';
  readonly firewall: 'iptables' | 'nftables' | 'none';
  /** The proxy forwards what reaches its sockets (`--userland-proxy`). */
  readonly userlandProxy: boolean;
}
