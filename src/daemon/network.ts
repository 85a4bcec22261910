/** The network's parts, made and handed to each other. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { PortRange } from '../base/ports.ts';
import { Prefix } from '../base/prefix.ts';
import type { DaemonConfig } from '../config/table.ts';
import type { EventBus } from '../engine/events/bus.ts';
import { IptablesRunner, RuleHandles } from '../kernel/iptables/index.ts';
import { ConntrackClient, type RouteClient } from '../kernel/netlink/index.ts';
import { NftContext } from '../kernel/nft/index.ts';
import { readSysctl, tryReadSysctl } from '../kernel/sysctl.ts';
import { AppliedRules } from '../network/controller/applied-rules.ts';
import { NetworkController } from '../network/controller/controller.ts';
import type { FirewallBackend } from '../network/controller/firewall-backend.ts';
import { FirewallSync } from '../network/controller/firewall-sync.ts';
import { Forwarding } from '../network/controller/forwarding.ts';
import { IptablesBackend } from '../network/controller/iptables-backend.ts';
import { canRouteLocalhost, LocalhostRouting } from '../network/controller/localhost-routing.ts';
import { NftablesBackend, type NftTables } from '../network/controller/nftables-backend.ts';
import { OwnWriters } from '../network/controller/own-writers.ts';
import { DnsServer, type ResolvConf, watchResolvConf } from '../network/dns/index.ts';
import { BridgeDriver } from '../network/drivers/bridge.ts';
import { NetworkDrivers } from '../network/drivers/driver.ts';
import { ParentDriver } from '../network/drivers/parent.ts';
import { DOCKER_DEFAULT_POOLS, SubnetSpace, ulaPool } from '../network/ipam/index.ts';
import type { ProxyProcess } from '../network/ports/proxy-process.ts';
import { PortPublisher } from '../network/ports/publisher.ts';
import { StaleFlows } from '../network/ports/stale-flows.ts';
import type { Store } from '../store/store.ts';
import { engineId } from './facts.ts';

export interface NetworkWiring {
  config: DaemonConfig;
  log: Log;
  store: Store;
  /** In the daemon's namespace. */
  route: RouteClient;
  keeper: ProxyProcess;
  events: EventBus;
  /** See `canServeLocalhost()`. */
  localhostByKernel: boolean;
  /** What is to be ended with the daemon, in the opposite order. */
  onEnd: (name: string, end: () => unknown) => void;
}

export function createNetwork(parts: NetworkWiring) {
  const { config, log, store, route, keeper, events, localhostByKernel, onEnd } = parts;
  const kernelServes = config.iptables;
  const publisher = new PortPublisher(keeper, {
    userlandProxy: config.userlandProxy,
    kernelServes,
    hostHasIPv6: tryReadSysctl('net/ipv6/conf/all/disable_ipv6') === '0',
    ephemeralRange: localPortRange,
    published: () => controller.publishedPorts(),
    sctpMissing: existsSync('/proc/sys/net/sctp') ? null : 'this kernel has no SCTP (CONFIG_IP_SCTP)',
  });
  const writers = new OwnWriters(process.pid);
  const backends = firewallBackends(parts, writers);
  const chosen = firewallOf(config);
  const pools = config.defaultAddressPools.map(({ base, size }) => ({
    base: Prefix.parse(String(base)),
    size,
  }));
  const { dns, resolvConf } = resolver(parts);
  const conntrack = ConntrackClient.open();
  onEnd('close connection tracking', () => conntrack.close());
  const controller: NetworkController = new NetworkController({
    settings: {
      netnsFolder: join(config.execRoot, 'netns'),
      defaultBridge: {
        bridge: config.bridge,
        v4: { bip: config.bip, fixedCidr: config.fixedCidr, defaultGateway: config.defaultGateway },
        enableIPv6: config.ipv6,
        v6: {
          bip: config.bip6,
          fixedCidr: config.fixedCidrV6,
          defaultGateway: config.defaultGatewayV6,
        },
        icc: config.icc,
        ipMasq: config.ipMasq,
        ip: config.ip === '0.0.0.0' ? '' : config.ip,
        mtu: config.mtu === 0 ? 1500 : config.mtu,
      },
      pools: new SubnetSpace([
        ...(pools.some(({ base }) => base.family === 4) ? [] : DOCKER_DEFAULT_POOLS),
        ...pools,
        ...(pools.some(({ base }) => base.family === 6) ? [] : [ulaPool(engineId(store))]),
      ]),
      defaultNetworkOptions: config.defaultNetworkOpts,
      userlandProxy: config.userlandProxy,
      localhostByKernel,
      iptables: config.iptables,
      ip6tables: config.ip6tables,
      dns: config.dns,
      dnsOptions: config.dnsOpts,
      allowDirectRouting: config.allowDirectRouting,
    },
    store,
    route,
    drivers: new NetworkDrivers([
      new BridgeDriver(route, config, log),
      new ParentDriver('macvlan', route, log),
      new ParentDriver('ipvlan', route, log),
    ]),
    dns,
    resolvConf,
    forwarding: new Forwarding(
      { enabled: config.ipForward, dropAllowed: config.iptables && !config.ipForwardNoDrop },
      store,
      route,
      log,
    ),
    publisher,
    staleFlows: new StaleFlows(conntrack, route),
    firewall: (intent) =>
      new FirewallSync({
        backend: chosen === 'none' ? undefined : backends[chosen],
        others: Object.values(backends).filter(({ name }) => name !== chosen),
        intent,
        localhost: new LocalhostRouting(store.table<boolean>('route_localnet'), log),
      }),
    writers,
    emit: (action, id, attributes) => events.publish('network', action, id, attributes),
    log,
  });
  return { controller, publisher, dns };
}

/** `--localhost-nat`, where this host has what it takes: without table raw nothing would protect 127.0.0.0/8. */
export async function canServeLocalhost(config: DaemonConfig, log: Log): Promise<boolean> {
  const firewall = firewallOf(config);
  if (!config.localhostNat || !config.userlandProxy || firewall === 'none') return false;
  try {
    if (firewall === 'iptables') await new IptablesRunner({ family: 4 }).save('raw');
    if (canRouteLocalhost()) return true;
    throw new Error('route_localnet cannot be set');
  } catch (error) {
    log.info({ error: messageOf(error) }, 'the userland proxy serves localhost');
    return false;
  }
}

/** The embedded resolver, which follows the host's name servers. */
function resolver({ log: daemonLog, onEnd }: NetworkWiring): {
  dns: DnsServer;
  resolvConf: () => ResolvConf;
} {
  const log = daemonLog.child({ part: 'dns' });
  const upstreams = (conf: { nameservers: readonly string[] }) =>
    conf.nameservers.map((address) => ({ address, from: 'host' as const }));
  const watch = watchResolvConf({ log, onChange: (conf) => dns.setUpstreams(upstreams(conf)) });
  const dns = new DnsServer({ log, upstreams: upstreams(watch.current) });
  onEnd('close the resolver', () => {
    watch[Symbol.dispose]();
    dns[Symbol.dispose]();
  });
  return { dns, resolvConf: () => watch.current };
}

function firewallBackends(
  { store, log, onEnd }: NetworkWiring,
  writers: OwnWriters,
): Record<'iptables' | 'nftables', FirewallBackend> {
  const programs = (family: 4 | 6) => {
    const iptables = new IptablesRunner({ family, onStart: (pid) => writers.add(pid) });
    let handles: RuleHandles | undefined;
    const known = () => {
      if (handles !== undefined) return handles;
      const opened = new RuleHandles({ family });
      onEnd('close the handles of rules', () => opened[Symbol.dispose]());
      handles = opened;
      return opened;
    };
    return {
      restore: async (text: string) => {
        if (known().delete(text)) return;
        await known().learn(text, () => iptables.restore(text, { noflush: true }));
      },
      save: () => iptables.save(),
    };
  };
  return {
    iptables: new IptablesBackend({
      programs: { v4: programs(4), v6: programs(6) },
      applied: new AppliedRules(store),
      log,
    }),
    nftables: new NftablesBackend({
      open: () => {
        const context = NftContext.open();
        onEnd('close nftables', () => context.close());
        return context;
      },
      applied: store.table<NftTables>('firewall_nftables'),
      log,
    }),
  };
}

/** Where the kernel, and we, choose ports from. */
export function localPortRange(): PortRange {
  const [start = 32_768, end = 60_999] = readSysctl('net/ipv4/ip_local_port_range').split(/\s+/).map(Number);
  return { start, end };
}

/** The firewall that the flags choose; `none` is `iptables: false`. */
export function firewallOf(config: DaemonConfig): 'iptables' | 'nftables' | 'none' {
  if (!config.iptables) return 'none';
  return config.firewallBackend === 'nftables' ? 'nftables' : 'iptables';
}
