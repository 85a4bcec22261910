/** Who can reach each published port, `GET /bridgeport/exposure`: the records, and the host as the kernel has it now. */

import { messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { PortExposure } from '../../base/wire/index.ts';
import { parseIptablesSave } from '../../kernel/iptables/index.ts';
import { RouteClient } from '../../kernel/netlink/index.ts';
import type { FirewallIntent } from '../../network/firewall/index.ts';
import type { TopologyRecords } from '../topology/records.ts';
import { type Deciders, iptablesDeciders, joinDeciders, nftDeciders } from './deciders.ts';
import { portExposures } from './exposure.ts';

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
  log: Log;
}

export async function readExposure(sources: ExposureSources): Promise<PortExposure[]> {
  using route = RouteClient.open();
  const links = new Map(route.links().map(({ index, name }) => [index, name]));
  const containers = new Map(
    sources.records
      .containers()
      .flatMap(({ id, name, sandbox }) =>
        (sandbox?.endpoints ?? []).map((endpoint) => [endpoint.id, { id, name }] as const),
      ),
  );
  return portExposures({
    intent: sources.intent(),
    kernelServes: sources.kernelServes,
    addresses: route.addresses().map(({ address, prefixLength, link }) => ({
      address,
      prefixLength,
      link: links.get(link) ?? `#${link}`,
    })),
    containerOf: (endpointId) => containers.get(endpointId),
    deciders: { 4: await readDeciders(sources, 4), 6: await readDeciders(sources, 6) },
  });
}

/** A tool that is not there has no rules to tell of. */
async function readDeciders({ rules, log }: ExposureSources, family: 4 | 6): Promise<Deciders> {
  const attempt = async (read: () => Promise<Deciders> | Deciders): Promise<Deciders> => {
    try {
      return await read();
    } catch (error) {
      log.warn({ family, error: messageOf(error) }, 'cannot read the rules of others');
      return { forward: [], input: [] };
    }
  };
  return joinDeciders(
    await attempt(async () => iptablesDeciders(parseIptablesSave(await rules.saveIptables(family)))),
    await attempt(() => nftDeciders(rules.listRuleset(), family)),
  );
}
