/** What the engine needs of the daemon's options. */

import { existsSync, readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import type { DaemonConfig } from '../config/table.ts';
import type { EngineContext } from '../engine/context.ts';

/** Static init programs, by preference: Docker's own name, Debian's package tini. */
export const INIT_PROGRAMS = [
  '/usr/bin/docker-init',
  '/usr/libexec/docker/docker-init',
  '/usr/bin/tini-static',
  '/sbin/tini-static',
];

export const SNAPSHOTTER = 'overlayfs';

export function engineSettings(config: DaemonConfig): EngineContext['settings'] {
  return {
    dataRoot: config.dataRoot,
    execRoot: config.execRoot,
    runcRoot: runcRoot(config),
    snapshotter: SNAPSHOTTER,
    cgroupParent: config.cgroupParent || 'bridgeport',
    initPath: config.initPath || INIT_PROGRAMS.find((path) => existsSync(path)),
    defaults: {
      hasDefaultBridge: config.bridge !== 'none',
      logDriver: config.logDriver,
      logOptions: { ...config.logOpts },
      dns: [...config.dns],
      dnsOptions: [...config.dnsOpts],
      dnsSearch: [...config.dnsSearch],
      shmSize: Number(config.defaultShmSize),
      init: config.init,
      ipcMode: config.defaultIpcMode || 'private',
      cgroupnsMode: config.defaultCgroupnsMode,
      ulimits: Object.values(config.defaultUlimits).map(({ name, soft, hard }) => ({
        Name: name,
        Soft: soft,
        Hard: hard,
      })),
      noNewPrivileges: config.noNewPrivileges,
      seccompProfile: readSeccompProfile(config.seccompProfile),
    },
    hostGatewayIps: [...config.hostGatewayIps],
    liveRestore: config.liveRestore,
    shutdownTimeout: config.shutdownTimeout,
    cpus: cpus().length,
  };
}

export function runcRoot({ execRoot }: Pick<DaemonConfig, 'execRoot'>): string {
  return join(execRoot, 'runc');
}

/** `builtin`, `unconfined`, or a file's JSON text. */
function readSeccompProfile(path: string): string {
  if (path === '' || path === 'builtin') return '';
  return path === 'unconfined' ? path : readFileSync(path, 'utf8');
}
