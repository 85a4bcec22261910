/** The nftables compiler: an intent in, the tables of both families out. Pure. */

import type { IpFamily } from '../../../base/ip.ts';
import { type FirewallIntent, inFamily } from '../intent.ts';
import { localhostBridges, routesLoopback } from '../localhost.ts';
import { type NetworkParts, TableBuilder } from './builder.ts';
import {
  FORWARD,
  HOOKS,
  jumps,
  OUTPUT,
  POSTROUTING,
  PREROUTING,
  RAW_PREROUTING,
  TRANSLATE,
  USER_CHAIN,
} from './layout.ts';
import {
  addEntering,
  addLeaving,
  addLocalhostSources,
  addSources,
  familyNetworks,
  isClosed,
} from './network.ts';
import { addLinks, PublishedPorts } from './ports.ts';
import { emptyNftTable, type NftRuleset, type NftTable } from './ruleset.ts';

/**
 * Compiles an intent; a table is empty where the family's firewall is not ours to write.
 * Throws `invalid` when the intent holds text that is no address, prefix, interface or port range.
 */
export function compileNftables(intent: FirewallIntent): NftRuleset {
  return new NftCompiler().compile(intent);
}

/**
 * Compiles one intent after the other, and makes anew only what networks add that have changed: with a thousand of them nearly all is as
 * it was. What is the same in two rulesets is then the same object.
 */
export class NftCompiler {
  #settings = '';
  #parts: Record<IpFamily, NetworkParts> = { 4: new WeakMap(), 6: new WeakMap() };

  compile(intent: FirewallIntent): NftRuleset {
    const { networks: _, ...rest } = intent;
    const settings = JSON.stringify(rest);
    if (settings !== this.#settings) this.#parts = { 4: new WeakMap(), 6: new WeakMap() };
    this.#settings = settings;
    return {
      v4: compileFamily(intent, 4, this.#parts[4]),
      v6: compileFamily(intent, 6, this.#parts[6]),
    };
  }
}

function compileFamily(intent: FirewallIntent, family: IpFamily, parts: NetworkParts): NftTable {
  if (!inFamily(intent.enabled, family)) return emptyNftTable(family);
  const builder = new TableBuilder(family, parts);
  const networks = familyNetworks(intent, family);
  addForwarding(builder, intent);
  addTranslation(builder, intent);
  addLoopbackProtection(builder, intent);
  const ports = new PublishedPorts(builder, intent);
  const localhost = new Set(localhostBridges(intent));
  for (const entry of networks) {
    // What is added here depends on the network and on settings, and on no other network.
    builder.network(entry.network, () => {
      if (intent.userlandProxy && !isClosed(entry)) {
        const { network, bridge } = entry;
        builder.element('nat-proxy-bridges', bridge, { key: 'proxy-return', networkId: network.id });
      }
      addLeaving(builder, entry);
      addEntering(builder, intent, entry);
      addSources(builder, intent, entry);
      if (family === 4 && localhost.has(entry.network.bridge)) addLocalhostSources(builder, entry);
    });
    ports.addNetwork(entry);
    addLinks(builder, entry);
  }
  return builder.finish();
}

/**
 * `filter-FORWARD`. A packet is first asked where it comes from and then where it goes: an internal network's own chain must
 * refuse before another network's published ports accept.
 *
 * `forwardDrop` is the policy of this chain. It is final for what nobody accepted here: an accept in another table ends
 * that table's chain only, which is how nftables works. DOCKER-USER is the place to accept what is neither ours nor to
 * be dropped.
 */
function addForwarding(builder: TableBuilder, intent: FirewallIntent): void {
  builder.chain(USER_CHAIN, { owner: 'user' });
  const policy = inFamily(intent.forwardDrop, builder.family) ? 'drop' : 'accept';
  builder.chain(FORWARD, { hook: { ...HOOKS[FORWARD], policy } });
  builder.rule(FORWARD, `jump ${USER_CHAIN}`, { key: 'user-jump' });
  builder.rule(FORWARD, `iifname vmap @${jumps('filter-forward-out')}`, { key: 'leaving-jump' });
  builder.rule(FORWARD, `oifname vmap @${jumps('filter-forward-in')}`, { key: 'entering-jump' });
}

function addTranslation(builder: TableBuilder, intent: FirewallIntent): void {
  const { family, header } = builder;
  const local = `fib daddr type local jump ${TRANSLATE}`;
  builder.chain(TRANSLATE);
  builder.chain(PREROUTING, { hook: HOOKS[PREROUTING] });
  builder.chain(OUTPUT, { hook: HOOKS[OUTPUT] });
  builder.chain(POSTROUTING, { hook: HOOKS[POSTROUTING] });
  if (intent.userlandProxy) {
    builder.rule(PREROUTING, 'iifname @nat-proxy-bridges return', { key: 'proxy-lookup' });
  }
  builder.rule(PREROUTING, local, { key: 'nat-incoming' });
  // With the proxy, loopback is the proxy's where a connection from 127.0.0.1 cannot leave, for want of route_localnet. IPv6 has
  // no such switch, so that an answer to ::1 would be dropped: without the proxy, the port keeper resets what comes there.
  const exceptLoopback =
    family === 6 ? 'ip6 daddr != ::1 ' : routesLoopback(intent) ? '' : 'ip daddr != 127.0.0.0/8 ';
  builder.rule(OUTPUT, `${exceptLoopback}${local}`, { key: 'nat-local' });
  builder.rule(POSTROUTING, `iifname vmap @${jumps('nat-postrouting-out')}`, { key: 'leaving-jump' });
  builder.rule(POSTROUTING, `oifname vmap @${jumps('nat-postrouting-in')}`, { key: 'entering-jump' });
  if (family === 6) {
    // A link-local client's answers cannot be routed back through translation: leave it to the proxy.
    builder.rule(TRANSLATE, 'ip6 saddr fe80::/10 return', { key: 'link-local-return' });
  }
  const port = 'meta l4proto . th dport';
  const lookUp = (text: string) => builder.rule(TRANSLATE, text, { key: 'translate-lookup' });
  lookUp(`dnat ${header} to ${header} daddr . ${port} map @nat-ports-at`);
  lookUp(`dnat to ${header} daddr . ${port} map @nat-port-ranges-at`);
  lookUp(`dnat ${header} to ${port} map @nat-ports`);
  lookUp(`dnat to ${port} map @nat-port-ranges`);
}

/** No packet from elsewhere may carry a loopback address: see iptables/loopback.ts for why and when. */
function addLoopbackProtection(builder: TableBuilder, intent: FirewallIntent): void {
  if (builder.family !== 4) return;
  const published = intent.networks.some((network) =>
    network.ports.some((port) => {
      const hostIp = builder.address(port.hostIp);
      return hostIp.family === 4 && hostIp.isLoopback;
    }),
  );
  const routed = routesLoopback(intent);
  if (!published && !routed) return;
  builder.chain(RAW_PREROUTING, { hook: HOOKS[RAW_PREROUTING] });
  builder.rule(RAW_PREROUTING, 'iifname != "lo" ip daddr 127.0.0.0/8 counter drop', { key: 'loopback-drop' });
  if (!routed) return;
  builder.rule(RAW_PREROUTING, 'iifname != "lo" ip saddr 127.0.0.0/8 counter drop', {
    key: 'loopback-source-drop',
  });
}
