/** Which capabilities a container's process may have (capabilities(7)). */

import { invalid } from '../../base/errors.ts';

/** In the order of their numbers (linux/capability.h). */
export const ALL_CAPABILITIES: readonly string[] =
  `CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE
  NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT
  SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG
  WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE`
    .split(/\s+/)
    .map((name) => `CAP_${name}`);

/** Docker's default set. */
export const DEFAULT_CAPABILITIES: readonly string[] =
  `CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD NET_RAW SETGID SETUID SETFCAP SETPCAP NET_BIND_SERVICE SYS_CHROOT KILL AUDIT_WRITE`
    .split(/\s+/)
    .map((name) => `CAP_${name}`);

/** The names behind a mask such as CapBnd in /proc/self/status. */
export function capabilitiesOfMask(mask: bigint): string[] {
  return ALL_CAPABILITIES.filter((_, bit) => (mask & (1n << BigInt(bit))) !== 0n);
}

/**
 * `--cap-add` and `--cap-drop` on top of the default set, `ALL` included, as Docker combines them. `held`: what the daemon itself may
 * give. Throws `invalid` for an unknown name and for an added capability that the daemon does not have.
 */
export function resolveCapabilities(
  options: { privileged: boolean; add: readonly string[] | null; drop: readonly string[] | null },
  held: readonly string[],
): string[] {
  if (options.privileged) return [...held];
  const add = normalize(options.add ?? [], 'CapAdd');
  const drop = normalize(options.drop ?? [], 'CapDrop');
  const missing = add.filter((name) => name !== 'ALL' && !held.includes(name));
  if (missing.length > 0) {
    throw invalid(`add capabilities ${missing.join(', ')}: the daemon itself does not have them`);
  }
  const isDropped = (name: string) => drop.includes(name);
  // `--cap-add ALL --cap-drop X` leaves all but X, `--cap-drop ALL --cap-add X` leaves X; else what is added counts last.
  const wanted = add.includes('ALL')
    ? held.filter((name) => !isDropped(name))
    : drop.includes('ALL')
      ? add
      : [...DEFAULT_CAPABILITIES.filter((name) => !isDropped(name)), ...add];
  return ALL_CAPABILITIES.filter((name) => wanted.includes(name) && held.includes(name));
}

function normalize(names: readonly string[], field: string): string[] {
  return names.map((given) => {
    const upper = given.toUpperCase();
    if (upper === 'ALL' || upper === 'CAP_ALL') return 'ALL';
    const name = upper.startsWith('CAP_') ? upper : `CAP_${upper}`;
    if (!ALL_CAPABILITIES.includes(name)) throw invalid(`invalid ${field}: unknown capability: "${given}"`);
    return name;
  });
}
