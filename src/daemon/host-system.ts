/** The engine's `HostSystem` on the real kernel. */

import { existsSync, readFileSync } from 'node:fs';
import { internal } from '../base/errors.ts';
import type { HostSystem, ProcessRef, RootfsMount } from '../engine/host-system.ts';
import { capabilitiesOfMask } from '../engine/spec/capabilities.ts';
import { probeFeature } from '../kernel/features.ts';
import { errnoName } from '../kernel/ffi/errno.ts';
import { check, lastErrno, libc } from '../kernel/ffi/libc.ts';
import { MNT_DETACH, MS_BIND, MS_RDONLY, MS_REC } from '../kernel/mounts/constants.ts';
import {
  identifyProcess,
  isProcessAlive,
  readProcessCgroups,
  removeCgroups,
  signalProcess,
} from '../kernel/proc/index.ts';
import { createHostFiles } from './host-files.ts';

/** The part of the port keeper that keeps files open. */
export interface FileHolder {
  hold(id: string, paths: string[]): Promise<void>;
  release(ids: string[]): Promise<void>;
}

export function createHostSystem(holder: FileHolder): HostSystem {
  const cgroupVersion = existsSync('/sys/fs/cgroup/cgroup.controllers') ? 2 : 1;
  return {
    files: createHostFiles(mountRootfs),
    makeFifo(path) {
      if (libc().mkfifo(path, 0o700) < 0 && errnoName(lastErrno()) !== 'EEXIST') {
        throw internal(`make FIFO "${path}": ${errnoName(lastErrno())}`);
      }
    },
    mountRootfs,
    unmount(target) {
      if (libc().umount2(target, MNT_DETACH) < 0) {
        const errno = errnoName(lastErrno());
        // EINVAL: nothing is mounted there (umount(2)).
        if (errno !== 'EINVAL' && errno !== 'ENOENT')
          throw internal(`unmount "${target}": ${errno}`, { errno });
      }
    },
    isMountPoint(target) {
      return readFileSync('/proc/self/mountinfo', 'utf8')
        .split('\n')
        .some((line) => line.split(' ')[4] === target);
    },
    holdFifos: (id, paths) => holder.hold(id, paths),
    releaseFifos: (id) => holder.release([id]),
    identify,
    signal: signalProcess,
    removeCgroups,
    capabilities: heldCapabilities(),
    cgroupVersion,
    cgroupControllers: controllers(cgroupVersion),
    hasX32: probeFeature('x32').available !== false,
    hasSeccomp: /^Seccomp:\s+\d/m.test(readFileSync('/proc/self/status', 'utf8')),
  };
}

function identify(pid: number, cgroup?: string): ProcessRef | undefined {
  const process = identifyProcess(pid);
  if (cgroup === undefined) return process;
  const paths = [...(readProcessCgroups(pid)?.values() ?? [])];
  if (process === undefined || !paths.some((path) => path.includes(cgroup))) return undefined;
  // Still the same one: then the cgroups were those of it.
  return isProcessAlive(process) ? process : undefined;
}

function mountRootfs(mounts: RootfsMount[], target: string): void {
  for (const mount of mounts) {
    let flags = 0;
    const data: string[] = [];
    for (const option of mount.options) {
      if (option === 'ro') flags |= MS_RDONLY;
      else if (option === 'bind') flags |= MS_BIND;
      else if (option === 'rbind') flags |= MS_BIND | MS_REC;
      else if (option !== 'rw') data.push(option);
    }
    const path = mount.target ? `${target}/${mount.target}` : target;
    check(
      libc().mount(mount.source, path, mount.type, flags, data.join(',')),
      () => `mount ${mount.type} ${mount.source} on ${path}`,
    );
  }
}

function heldCapabilities(): string[] {
  const mask = /^CapBnd:\s+([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0';
  return capabilitiesOfMask(BigInt(`0x${mask}`));
}

function controllers(version: 1 | 2): string[] {
  if (version === 2) return readFileSync('/sys/fs/cgroup/cgroup.controllers', 'utf8').trim().split(/\s+/);
  const found = readFileSync('/proc/cgroups', 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split('\t'))
    .filter((fields) => fields[3] === '1')
    .map((fields) => fields[0] as string);
  // Off on kernels that were told so (swapaccount=0).
  if (existsSync('/sys/fs/cgroup/memory/memory.memsw.limit_in_bytes')) found.push('memory.swap');
  // Weights need an I/O scheduler that knows them (BFQ, formerly CFQ). The top group has no BFQ weight itself
  // (CFTYPE_NOT_ON_ROOT in block/bfq-cgroup.c), but BFQ's statistics.
  for (const file of ['blkio.weight', 'blkio.bfq.io_service_bytes']) {
    if (existsSync(`/sys/fs/cgroup/blkio/${file}`)) found.push('blkio.weight');
  }
  return found;
}
