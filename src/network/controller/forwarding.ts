/**
 * Forwarding of packets, by family: turned on when containers need it, and remembered when it was this daemon that did. Then FORWARD's
 * policy becomes DROP, so that the host does not forward what it did not forward before.
 */

import { messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { RouteClient } from '../../kernel/netlink/index.ts';
import { tryReadSysctl, tryWriteSysctl } from '../../kernel/sysctl.ts';
import type { Store, Table } from '../../store/store.ts';
import type { PerFamily } from '../firewall/index.ts';

const SWITCH = { 4: 'net/ipv4/ip_forward', 6: 'net/ipv6/conf/all/forwarding' } as const;

export interface ForwardingOptions {
  /** `--ip-forward`: we may turn it on. */
  enabled: boolean;
  /** The policy is ours to set: `--iptables` without `--ip-forward-no-drop`. */
  dropAllowed: boolean;
}

export class Forwarding {
  readonly #options: ForwardingOptions;
  readonly #route: RouteClient;
  /** Stays true after a restart: forwarding is still on, and still because of us. */
  readonly #turnedOn: Table<boolean>;
  readonly #log: Log;

  constructor(options: ForwardingOptions, store: Store, route: RouteClient, log: Log) {
    this.#options = options;
    this.#route = route;
    this.#turnedOn = store.table<boolean>('forwarding_turned_on');
    this.#log = log;
  }

  /** Turns forwarding on unless it is, or unless we may not. */
  ensure(family: 4 | 6): void {
    if (!this.#options.enabled || tryReadSysctl(SWITCH[family]) !== '0') return;
    try {
      if (family === 6) this.#keepRouterAdvertisements();
      tryWriteSysctl(SWITCH[family], '1');
      this.#turnedOn.put(`v${family}`, true);
    } catch (error) {
      this.#log.warn({ family, error: messageOf(error) }, 'cannot turn forwarding on');
    }
  }

  /** For which families FORWARD's policy shall be DROP. */
  get drop(): PerFamily {
    const of = (family: 4 | 6) => this.#options.dropAllowed && this.#turnedOn.get(`v${family}`) === true;
    return { v4: of(4), v6: of(6) };
  }

  /**
   * A host that forwards ignores router advertisements and so loses its default route, unless accept_ra is 2
   * (Documentation/networking/ip-sysctl.rst).
   */
  #keepRouterAdvertisements(): void {
    const names = ['all', 'default', ...this.#route.links().map((link) => link.name)];
    for (const name of names) {
      const setting = `net/ipv6/conf/${name}/accept_ra`;
      if (tryReadSysctl(setting) === '1') tryWriteSysctl(setting, '2');
    }
  }
}
