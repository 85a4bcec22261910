import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseSeccompProfile, resolveSeccomp, type SeccompTarget } from './seccomp-profile.ts';

const HERE: SeccompTarget = { capabilities: ['CAP_CHOWN'], arch: 'x64', kernel: '6.1.0-18-amd64' };

function names(rule: object, target: Partial<SeccompTarget> = {}): string[] {
  const text = JSON.stringify({
    defaultAction: 'SCMP_ACT_ERRNO',
    syscalls: [{ action: 'SCMP_ACT_ALLOW', ...rule }],
  });
  return resolveSeccomp(parseSeccompProfile(text), { ...HERE, ...target }).syscalls.flatMap(
    (one) => one.names,
  );
}

test('a rule names one system call or several', () => {
  assert.deepEqual(names({ name: 'chmod' }), ['chmod']);
  assert.deepEqual(names({ names: ['chmod', 'fchmod'] }), ['chmod', 'fchmod']);
  assert.throws(() => names({ name: 'chmod', names: ['fchmod'] }), /both 'name' and 'names'/);
  assert.throws(() => names({}), /neither 'name' nor 'names'/);
});

test('a rule that is for a capability holds for who has all of them', () => {
  const rule = { names: ['unshare'], includes: { caps: ['CAP_SYS_ADMIN', 'CAP_CHOWN'] } };
  assert.deepEqual(names(rule), []);
  assert.deepEqual(names(rule, { capabilities: ['CAP_CHOWN', 'CAP_SYS_ADMIN'] }), ['unshare']);
  const other = { names: ['clone'], excludes: { caps: ['CAP_SYS_ADMIN'] } };
  assert.deepEqual(names(other), ['clone']);
  assert.deepEqual(names(other, { capabilities: ['CAP_SYS_ADMIN'] }), []);
});

test('machines and kernels', () => {
  assert.deepEqual(names({ name: 'arch_prctl', includes: { arches: ['amd64', 'x32'] } }), ['arch_prctl']);
  assert.deepEqual(names({ name: 'arch_prctl', includes: { arches: ['arm64'] } }), []);
  assert.deepEqual(names({ name: 'a', excludes: { arches: ['s390', 'amd64'] } }), []);
  assert.deepEqual(names({ name: 'ptrace', includes: { minKernel: '4.8' } }), ['ptrace']);
  assert.deepEqual(names({ name: 'ptrace', includes: { minKernel: '4.8' } }, { kernel: '4.4.0' }), []);
  assert.deepEqual(names({ name: 'ptrace', includes: { minKernel: '6.10' } }), []);
  assert.deepEqual(names({ name: 'ptrace', excludes: { minKernel: '4.8' } }), []);
});

test('architectures: as they are given, or those that belong to this machine', () => {
  const archMap = [
    { architecture: 'SCMP_ARCH_AARCH64', subArchitectures: ['SCMP_ARCH_ARM'] },
    { architecture: 'SCMP_ARCH_X86_64', subArchitectures: ['SCMP_ARCH_X86'] },
  ];
  const resolved = (more: object) =>
    resolveSeccomp(parseSeccompProfile(JSON.stringify({ defaultAction: 'SCMP_ACT_ALLOW', ...more })), HERE);
  assert.deepEqual(resolved({ archMap }), {
    defaultAction: 'SCMP_ACT_ALLOW',
    architectures: ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86'],
    syscalls: [],
  });
  assert.deepEqual(resolved({ architectures: ['SCMP_ARCH_X86'] }).architectures, ['SCMP_ARCH_X86']);
  assert.equal(resolved({}).architectures, undefined);
  assert.throws(() => resolved({ archMap, architectures: ['SCMP_ARCH_X86'] }), /use either/);
});

test('the values of a rule are kept; null is nothing', () => {
  const args = [{ index: 0, value: 8, valueTwo: 0, op: 'SCMP_CMP_EQ' }];
  const text = JSON.stringify({
    defaultAction: 'SCMP_ACT_ALLOW',
    defaultErrnoRet: 1,
    archMap: null,
    syscalls: [
      {
        names: ['a'],
        action: 'SCMP_ACT_ERRNO',
        errnoRet: 38,
        args,
        comment: 'no',
        includes: {},
        excludes: null,
      },
      { names: ['b'], action: 'SCMP_ACT_ERRNO', args: null, errnoRet: null },
    ],
  });
  assert.deepEqual(resolveSeccomp(parseSeccompProfile(text), HERE), {
    defaultAction: 'SCMP_ACT_ALLOW',
    defaultErrnoRet: 1,
    syscalls: [
      { names: ['a'], action: 'SCMP_ACT_ERRNO', errnoRet: 38, args },
      { names: ['b'], action: 'SCMP_ACT_ERRNO' },
    ],
  });
});
