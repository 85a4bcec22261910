/** The default seccomp profile: what is not allowed fails with EPERM. */

import type { OciSeccomp } from './oci.ts';
import { ALLOWED_SYSCALLS } from './syscalls.ts';

type Rule = OciSeccomp['syscalls'][number];

const EPERM = 1;
const ENOSYS = 38;
/** CLONE_NEWNS | NEWCGROUP | NEWUTS | NEWIPC | NEWUSER | NEWPID | NEWNET (linux/sched.h) */
const CLONE_NAMESPACES = 0x7e020000;
const AF_ALG = 38;
const AF_VSOCK = 40;
/** linux/personality.h: PER_LINUX, PER_LINUX32, UNAME26, UNAME26|PER_LINUX32, and 0xffffffff, which only asks. */
const PERSONALITIES = [0x0, 0x8, 0x20000, 0x20008, 0xffffffff];

/** System calls that a capability brings with it (capabilities(7)). */
const BY_CAPABILITY: Record<string, string[]> = {
  CAP_DAC_READ_SEARCH: ['open_by_handle_at'],
  CAP_SYS_ADMIN: [
    'bpf',
    'clone',
    'clone3',
    'fanotify_init',
    'fsconfig',
    'fsmount',
    'fsopen',
    'fspick',
    'lookup_dcookie',
    'mount',
    'mount_setattr',
    'move_mount',
    'open_tree',
    'perf_event_open',
    'quotactl',
    'quotactl_fd',
    'setdomainname',
    'sethostname',
    'setns',
    'syslog',
    'umount',
    'umount2',
    'unshare',
  ],
  CAP_SYS_BOOT: ['reboot'],
  CAP_SYS_CHROOT: ['chroot'],
  CAP_SYS_MODULE: ['delete_module', 'init_module', 'finit_module'],
  CAP_SYS_PACCT: ['acct'],
  CAP_SYS_PTRACE: [
    'kcmp',
    'pidfd_getfd',
    'process_madvise',
    'process_vm_readv',
    'process_vm_writev',
    'ptrace',
  ],
  CAP_SYS_RAWIO: ['iopl', 'ioperm'],
  CAP_SYS_TIME: ['settimeofday', 'stime', 'clock_settime', 'clock_settime64'],
  CAP_SYS_TTY_CONFIG: ['vhangup'],
  CAP_SYS_NICE: ['get_mempolicy', 'mbind', 'set_mempolicy', 'set_mempolicy_home_node'],
  CAP_SYSLOG: ['syslog'],
  CAP_BPF: ['bpf'],
  CAP_PERFMON: ['perf_event_open'],
};

/**
 * Whose system calls the filter knows; those of any other ABI end the process. libseccomp writes the whole filter once for each, at every
 * start of a container: x32 costs 5 of 11 ms (2.5.4), so that only kernels which have it pay for it.
 */
function architectures(arch: string, hasX32: boolean): string[] | undefined {
  if (arch === 'x64') return ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', ...(hasX32 ? ['SCMP_ARCH_X32'] : [])];
  if (arch === 'arm64') return ['SCMP_ARCH_AARCH64', 'SCMP_ARCH_ARM'];
  return undefined;
}

/** `capabilities`: what the container's process may have; `arch`: as `process.arch` spells it. */
export function defaultSeccomp(
  capabilities: readonly string[],
  arch: string,
  kernel: { hasX32: boolean },
): OciSeccomp {
  const allow = (names: string[], args?: Rule['args']): Rule => ({
    names,
    action: 'SCMP_ACT_ALLOW',
    ...(args === undefined ? {} : { args }),
  });
  const held = new Set(capabilities);
  const syscalls: Rule[] = [
    allow([...ALLOWED_SYSCALLS]),
    // Sockets of every family but two: AF_ALG has had exploitable holes, AF_VSOCK reaches the hypervisor.
    allow(['socket'], [{ index: 0, value: AF_ALG, op: 'SCMP_CMP_LT' }]),
    allow(['socket'], [{ index: 0, value: AF_ALG + 1, op: 'SCMP_CMP_EQ' }]),
    allow(['socket'], [{ index: 0, value: AF_VSOCK, op: 'SCMP_CMP_GT' }]),
    ...PERSONALITIES.map((value) => allow(['personality'], [{ index: 0, value, op: 'SCMP_CMP_EQ' }])),
  ];
  if (arch === 'x64') syscalls.push(allow(['arch_prctl', 'modify_ldt']));
  if (arch === 'arm64') syscalls.push(allow(['sync_file_range2', 'cacheflush', 'set_tls', 'breakpoint']));
  for (const [capability, names] of Object.entries(BY_CAPABILITY)) {
    if (held.has(capability)) syscalls.push(allow(names));
  }
  if (!held.has('CAP_SYS_ADMIN')) {
    syscalls.push(
      allow(['clone'], [{ index: 0, value: CLONE_NAMESPACES, valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ' }]),
      // The flags of clone3 lie behind a pointer that a filter cannot follow; ENOSYS makes libc fall back to clone.
      { names: ['clone3'], action: 'SCMP_ACT_ERRNO', errnoRet: ENOSYS },
    );
  }
  const known = architectures(arch, kernel.hasX32);
  return {
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: EPERM,
    ...(known === undefined ? {} : { architectures: known }),
    syscalls,
  };
}
