/** What `docker info` warns of, in Docker's words: limits and filters that this kernel does not offer. Pure. */

export interface HostAbilities {
  memoryLimit: boolean;
  swapLimit: boolean;
  cpuCfs: boolean;
  cpuShares: boolean;
  cpuset: boolean;
  pids: boolean;
  ipv4Forwarding: boolean;
  /** Packets between ports of a bridge meet the rules (the module br_netfilter): without it, `icc: false` has no effect. */
  bridgeNfIptables: boolean;
  bridgeNfIp6tables: boolean;
}

export function hostWarnings(host: HostAbilities): string[] {
  const missing: Array<[boolean, string]> = [
    [host.memoryLimit, 'No memory limit support'],
    [host.swapLimit, 'No swap limit support'],
    [host.cpuCfs, 'No cpu cfs quota support'],
    [host.cpuCfs, 'No cpu cfs period support'],
    [host.cpuShares, 'No cpu shares support'],
    [host.cpuset, 'No cpuset support'],
    [host.pids, 'No pids limit support'],
    [host.ipv4Forwarding, 'IPv4 forwarding is disabled'],
    [host.bridgeNfIptables, 'bridge-nf-call-iptables is disabled'],
    [host.bridgeNfIp6tables, 'bridge-nf-call-ip6tables is disabled'],
  ];
  return missing.filter(([there]) => !there).map(([, text]) => `WARNING: ${text}`);
}
