/** `GET /info` as older clients expect it. */

import type { SystemInfo } from '../../base/wire/index.ts';

const COMMITS = ['ContainerdCommit', 'RuncCommit', 'InitCommit'];

export function infoFor(version: number, info: SystemInfo): SystemInfo {
  const result = { ...info };
  if (version < 46) delete result.Containerd;
  if (version < 49) {
    delete result.FirewallBackend;
    for (const name of COMMITS) {
      const commit = result[name];
      if (typeof commit === 'object' && commit !== null)
        result[name] = { Expected: (commit as { ID?: string }).ID, ...commit };
    }
  }
  if (version < 50) {
    result.BridgeNfIptables ??= false;
    result.BridgeNfIp6tables ??= false;
    delete result.DiscoveredDevices;
  }
  return result;
}
