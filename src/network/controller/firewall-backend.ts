/** A firewall that can be made to say what an intent says. */

import type { FirewallIntent } from '../firewall/index.ts';

export interface FirewallBackend {
  readonly name: 'iptables' | 'nftables';
  /**
   * Makes the kernel's rules those of the intent, in one transaction. `repair`: also what somebody took away comes back; without it a
   * rule of ours that the user deleted stays away.
   */
  apply(intent: FirewallIntent, options: { repair: boolean }): Promise<void>;
  /** Takes away what this backend wrote, ever; nothing when it wrote nothing. */
  clear(): Promise<void>;
}
