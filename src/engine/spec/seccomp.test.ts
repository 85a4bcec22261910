import assert from 'node:assert/strict';
import { it } from 'node:test';
import { defaultSeccomp } from './seccomp.ts';

const names = (profile: ReturnType<typeof defaultSeccomp>) =>
  new Set(profile.syscalls.filter(({ args }) => args === undefined).flatMap((rule) => rule.names));

it('`defaultSeccomp()` knows x32 only where the kernel has it', () => {
  assert.deepEqual(defaultSeccomp([], 'x64', { hasX32: false }).architectures, [
    'SCMP_ARCH_X86_64',
    'SCMP_ARCH_X86',
  ]);
  assert.deepEqual(defaultSeccomp([], 'x64', { hasX32: true }).architectures, [
    'SCMP_ARCH_X86_64',
    'SCMP_ARCH_X86',
    'SCMP_ARCH_X32',
  ]);
  assert.deepEqual(defaultSeccomp([], 'arm64', { hasX32: false }).architectures, [
    'SCMP_ARCH_AARCH64',
    'SCMP_ARCH_ARM',
  ]);
});

it('`defaultSeccomp()` refuses what is not named, and allows `mount` to who has CAP_SYS_ADMIN', () => {
  const without = defaultSeccomp([], 'x64', { hasX32: false });
  assert.equal(without.defaultAction, 'SCMP_ACT_ERRNO');
  assert.ok(!names(without).has('mount'));
  assert.ok(names(defaultSeccomp(['CAP_SYS_ADMIN'], 'x64', { hasX32: false })).has('mount'));
});
