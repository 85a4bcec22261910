import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_CAPABILITIES } from './capabilities.ts';
import type { OciSeccomp } from './oci.ts';
import { defaultSeccomp } from './seccomp.ts';
import { ALLOWED_SYSCALLS } from './syscalls.ts';

const profile = (more: string[] = [], arch = 'x64', hasX32 = false) =>
  defaultSeccomp([...DEFAULT_CAPABILITIES, ...more], arch, { hasX32 });

/** Allowed whatever the arguments are. */
function isFree(name: string, { syscalls }: OciSeccomp): boolean {
  return syscalls.some(
    (rule) => rule.action === 'SCMP_ACT_ALLOW' && rule.args === undefined && rule.names.includes(name),
  );
}

/** Allowed for this first argument. */
function isAllowed(name: string, value: number, { syscalls }: OciSeccomp): boolean {
  return syscalls.some((rule) => {
    if (rule.action !== 'SCMP_ACT_ALLOW' || !rule.names.includes(name)) return false;
    return (rule.args ?? []).every(({ op, value: wanted, valueTwo = 0 }) => {
      if (op === 'SCMP_CMP_LT') return value < wanted;
      if (op === 'SCMP_CMP_GT') return value > wanted;
      if (op === 'SCMP_CMP_EQ') return value === wanted;
      if (op === 'SCMP_CMP_MASKED_EQ') return (BigInt(value) & BigInt(wanted)) === BigInt(valueTwo);
      throw new Error(op);
    });
  });
}

test('what is not named fails with EPERM', () => {
  const { defaultAction, defaultErrnoRet } = profile();
  assert.deepEqual([defaultAction, defaultErrnoRet], ['SCMP_ACT_ERRNO', 1]);
});

test('calls that reach beyond the container are not free, ordinary ones are', () => {
  const made = profile();
  const dangerous =
    'mount umount2 unshare setns bpf init_module finit_module delete_module kexec_load kexec_file_load reboot add_key keyctl ' +
    'request_key clock_settime settimeofday swapon swapoff acct iopl ioperm open_by_handle_at perf_event_open userfaultfd ' +
    'io_uring_setup io_uring_enter pivot_root move_mount fsopen fsmount open_tree mount_setattr quotactl nfsservctl vm86 lookup_dcookie';
  for (const name of dangerous.split(' ')) assert.equal(isFree(name, made), false, name);
  for (const name of 'read write openat execve futex epoll_wait accept4 statx chroot arch_prctl'.split(' ')) {
    assert.equal(isFree(name, made), true, name);
  }
});

test('no call is named twice in the list, and none is empty', () => {
  assert.equal(new Set(ALLOWED_SYSCALLS).size, ALLOWED_SYSCALLS.length);
  assert.ok(ALLOWED_SYSCALLS.every((name) => /^[a-z0-9_]+$/.test(name)));
});

test('new namespaces need CAP_SYS_ADMIN; clone3 then says that it does not exist', () => {
  const made = profile();
  assert.equal(isAllowed('clone', 0x01200011, made), true, 'fork');
  for (const flag of [0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000]) {
    assert.equal(isAllowed('clone', flag | 17, made), false, flag.toString(16));
  }
  assert.deepEqual(
    made.syscalls.filter(({ names }) => names.includes('clone3')),
    [{ names: ['clone3'], action: 'SCMP_ACT_ERRNO', errnoRet: 38 }],
  );
  const admin = profile(['CAP_SYS_ADMIN']);
  for (const name of ['clone', 'clone3', 'unshare', 'setns', 'mount'])
    assert.equal(isFree(name, admin), true, name);
});

test('sockets of all families but AF_ALG and AF_VSOCK', () => {
  const made = profile();
  for (const family of [1, 2, 10, 16, 17, 39, 41])
    assert.equal(isAllowed('socket', family, made), true, `${family}`);
  for (const family of [38, 40]) assert.equal(isAllowed('socket', family, made), false, `${family}`);
});

test('personality of Linux only', () => {
  const made = profile();
  for (const value of [0, 8, 0x20000, 0x20008, 0xffffffff])
    assert.equal(isAllowed('personality', value, made), true);
  assert.equal(isAllowed('personality', 0x0040000, made), false, 'ADDR_NO_RANDOMIZE');
});

test('a capability brings its calls', () => {
  const cases: Record<string, string> = {
    CAP_SYS_TIME: 'clock_settime',
    CAP_SYS_MODULE: 'init_module',
    CAP_SYS_BOOT: 'reboot',
    CAP_SYSLOG: 'syslog',
    CAP_BPF: 'bpf',
    CAP_DAC_READ_SEARCH: 'open_by_handle_at',
  };
  for (const [capability, name] of Object.entries(cases))
    assert.equal(isFree(name, profile([capability])), true, name);
});

test('architectures by processor and kernel', () => {
  assert.deepEqual(profile([], 'x64', true).architectures, [
    'SCMP_ARCH_X86_64',
    'SCMP_ARCH_X86',
    'SCMP_ARCH_X32',
  ]);
  assert.deepEqual(profile([], 'x64', false).architectures, ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86']);
  assert.deepEqual(profile([], 'arm64').architectures, ['SCMP_ARCH_AARCH64', 'SCMP_ARCH_ARM']);
  assert.equal(profile([], 'riscv64').architectures, undefined);
});
