/** Who can reach each published port, `GET /bridgeport/exposure`: the records, and the host as the kernel has it now. */

import { messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { ExplainLanguage, PortExposure } from '../../base/wire/index.ts';
import { parseIptablesSave } from '../../kernel/iptables/index.ts';
import { RouteClient } from '../../kernel/netlink/index.ts';
import type { FirewallIntent } from '../../network/firewall/index.ts';
import type { Explainer } from '../explain/explainer.ts';
import type { TopologyRecords } from '../topology/records.ts';
import { type Deciders, iptablesDeciders, joinDeciders, nftDeciders } from './deciders.ts';
import { portExposures } from './exposure.ts';
import { withWays } from './ways.ts';

/** Reads the rules of everybody on the host, in the daemon's namespace. */
export interface RuleReaders {
  saveIptables(family: 4 | 6): Promise<string>;
  /** What `nft list ruleset` prints. */
  listRuleset(): string;
}

export interface ExposureSources {
  intent: () => FirewallIntent;
  kernelServes: boolean;
  records: TopologyRecords;
  rules: RuleReaders;
  explainer: Explainer;
  log: Log;
}

export async function readExposure(
  sources: ExposureSources,
  language: ExplainLanguage,
): Promise<PortExposure[]> {
  using route = RouteClient.open();
  const links = new Map(route.links().map(({ index, name }) => [index, name]));
  const containers = new Map(
    sources.records
      .containers()
      .flatMap(({ id, name, sandbox }) =>
        (sandbox?.endpoints ?? []).map((endpoint) => [endpoint.id, { id, name }] as const),
      ),
  );
  const ports = portExposures({
    intent: sources.intent(),
    kernelServes: sources.kernelServes,
    addresses: route.addresses().map(({ address, prefixLength, link }) => ({
      address,
      prefixLength,
      link: links.get(link) ?? `#${link}`,
    })),
    containerOf: (endpointId) => containers.get(endpointId),
    deciders: await readDeciders(sources),
  });
  const published = ports.map(({ exposure }) => exposure.container.id);
  return sources.explainer.about(language, published, (consider, records) =>
    withWays(ports, consider, records),
  );
}

async function readDeciders({ rules, log }: ExposureSources): Promise<Record<4 | 6, Deciders>> {
  /** A tool that is not there has no rules to tell of. */
  const attempt = async (read: () => Promise<string> | string): Promise<string> => {
    try {
      return await read();
    } catch (error) {
      log.warn({ error: messageOf(error) }, 'cannot read the rules of others');
      return '';
    }
  };
  const [v4, v6, listing] = [
    await attempt(() => rules.saveIptables(4)),
    await attempt(() => rules.saveIptables(6)),
    await attempt(() => rules.listRuleset()),
  ];
  const of = (saved: string, family: 4 | 6) =>
    joinDeciders(iptablesDeciders(parseIptablesSave(saved)), nftDeciders(listing, family));
  return { 4: of(v4, 4), 6: of(v6, 6) };
}
