/** The embedded resolver of user-defined networks. */

export type { UpstreamMetrics, UpstreamSpec } from './forward/upstream.ts';
export { LATENCY_BOUNDS } from './forward/upstream.ts';
export { ndots, parseResolvConf, type ResolvConf } from './resolv-conf.ts';
export type { ListenMode } from './sandbox/listener.ts';
export { RESOLVER_ADDRESS } from './sandbox/redirect.ts';
export {
  type DnsMetrics,
  type DnsSandbox,
  type DnsSandboxSettings,
  DnsServer,
  type DnsServerOptions,
} from './server.ts';
export { lookUpName, type NameLookup } from './stub/lookup.ts';
export { type ResolvConfWatch, type WatchResolvConfOptions, watchResolvConf } from './watch-resolv-conf.ts';
export type { NetworkZone, ZoneHost, ZoneLink, ZoneView } from './zone/zone.ts';
