/** What `info` and `version` tell of the daemon. */

import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { newId } from '../base/ids.ts';
import type { DaemonConfig } from '../config/table.ts';
import type { SystemFacts } from '../engine/system/info.ts';
import { probeFeature } from '../kernel/features.ts';
import type { Containerd } from '../runtime/containerd/client.ts';
import type { Store } from '../store/store.ts';
import { INIT_PROGRAMS, SNAPSHOTTER } from './engine-settings.ts';
import { gitCommit } from './git-commit.ts';
import type { createHostSystem } from './host-system.ts';
import { firewallOf } from './network.ts';
import { VERSION } from './version.ts';

export async function systemFacts(
  config: DaemonConfig,
  store: Store,
  containerd: Containerd,
  host: ReturnType<typeof createHostSystem>,
): Promise<SystemFacts> {
  return {
    version: VERSION,
    gitCommit: gitCommit(join(import.meta.dirname, '..', '..')),
    buildTime: '',
    nodeVersion: process.versions.node,
    containerdVersion: (await containerd.version()).version,
    runcVersion: await runcVersion(),
    id: engineId(store),
    dataRoot: config.dataRoot,
    ...reloadableFacts(config),
    iptables: config.iptables,
    ipForwarding: readFileSync('/proc/sys/net/ipv4/ip_forward', 'utf8').trim() === '1',
    cgroupVersion: host.cgroupVersion,
    controllers: host.cgroupControllers,
    hasSeccomp: host.hasSeccomp,
    snapshotter: SNAPSHOTTER,
    hasInit: INIT_PROGRAMS.some((path) => existsSync(path)),
    logDriver: config.logDriver,
    firewallBackend: firewallOf(config),
    networkDrivers: networkDrivers(),
    warnings: [],
  };
}

/** What `info` shows of the configuration that a reload may change. */
export function reloadableFacts(config: DaemonConfig) {
  return {
    labels: [...config.labels],
    debug: config.debug,
    liveRestore: config.liveRestore,
    insecureRegistries: [...config.insecureRegistries],
    mirrors: [...config.registryMirrors],
  };
}

/** In Docker's order. */
function networkDrivers(): string[] {
  const known = (['ipvlan', 'macvlan'] as const).filter((name) => probeFeature(name).available !== false);
  return ['bridge', 'host', ...known, 'null'];
}

/** Chosen at the first start, and the same ever after. */
export function engineId(store: Store): string {
  const meta = store.table<string>('meta');
  const id = meta.get('engine_id') ?? newId();
  meta.put('engine_id', id);
  return id;
}

/** `1.1.5+ds1`, or empty when runc cannot be run. */
async function runcVersion(): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)('runc', ['--version'], { timeout: 5000 });
    return /^runc version (\S+)/m.exec(stdout)?.[1] ?? '';
  } catch {
    return '';
  }
}
