/**
 * `route_localnet` of the bridges behind which the kernel serves published ports to localhost. It is on only while the rules stand
 * that keep everybody else away from 127.0.0.0/8: turned on after they were written, and off before they go.
 */

import { accessSync, constants } from 'node:fs';
import { messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { tryWriteSysctl } from '../../kernel/sysctl.ts';
import type { Table } from '../../store/store.ts';
import { type FirewallIntent, loopbackBridges } from '../firewall/index.ts';

export class LocalhostRouting {
  /** Bridges for which this daemon, or an earlier one, has turned it on: a user's own setting is none of them. */
  readonly #turnedOn: Table<boolean>;
  readonly #log: Log;
  readonly #open = new Set<string>();

  constructor(turnedOn: Table<boolean>, log: Log) {
    this.#turnedOn = turnedOn;
    this.#log = log;
  }

  /** Before the rules of `intent` are written: off where it is no longer needed. */
  narrow(intent: FirewallIntent): void {
    const wanted = new Set(loopbackBridges(intent));
    this.#close((bridge) => !wanted.has(bridge));
  }

  /**
   * After the rules of `intent` were written: on where it is needed.
   *
   * @param again also where it has been turned on before: somebody else may have turned it off, or made the bridge anew
   */
  widen(intent: FirewallIntent, again = false): void {
    for (const bridge of loopbackBridges(intent)) {
      if (this.#open.has(bridge) && !again) continue;
      this.#turnedOn.put(bridge, true);
      this.#write(bridge, '1');
      this.#open.add(bridge);
    }
  }

  /** Nobody knows what rules there are. */
  closeAll(): void {
    this.#close(() => true);
  }

  #close(which: (bridge: string) => boolean): void {
    for (const [bridge] of this.#turnedOn.all()) {
      if (!which(bridge)) continue;
      this.#write(bridge, '0');
      this.#turnedOn.delete(bridge);
      this.#open.delete(bridge);
    }
  }

  /** A bridge that is gone has taken its setting along. */
  #write(bridge: string, value: '0' | '1'): void {
    try {
      tryWriteSysctl(setting(bridge), value);
    } catch (error) {
      this.#log.error({ bridge, value, error: messageOf(error) }, 'cannot set route_localnet');
    }
  }
}

/** Whether this kernel, and whoever mounted /proc/sys, lets us have `route_localnet`. */
export function canRouteLocalhost(): boolean {
  try {
    accessSync(`/proc/sys/${setting('all')}`, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function setting(link: string): string {
  return `net/ipv4/conf/${link}/route_localnet`;
}
