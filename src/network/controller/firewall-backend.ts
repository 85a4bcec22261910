/** A firewall that can be made to say what an intent says. */

import type { FirewallIntent } from '../firewall/index.ts';

/**
 * - `change`: the intent is another one; the record of what was written is believed
 * - `heal`: somebody else wrote; the kernel is read. A single rule that the user took away stays away, a flushed table comes back
 * - `repair`: the kernel is read, and everything of ours that is missing comes back; for the start of the daemon
 */
export type ApplyMode = 'change' | 'heal' | 'repair';

export interface FirewallBackend {
  readonly name: 'iptables' | 'nftables';
  /** Makes the kernel's rules those of the intent, in one transaction per family. True when something had to be written. */
  apply(intent: FirewallIntent, mode: ApplyMode): Promise<boolean>;
  /** Takes away what this backend wrote, ever; nothing when it wrote nothing. */
  clear(): Promise<void>;
}
