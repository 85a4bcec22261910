import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseSecurityOptions } from './security-options.ts';

test('nothing said: the default profile, new privileges allowed', () => {
  assert.deepEqual(parseSecurityOptions([]), { seccomp: undefined, noNewPrivileges: false });
});

test('no-new-privileges in all spellings', () => {
  for (const option of ['no-new-privileges', 'no-new-privileges=true', 'no-new-privileges:true']) {
    assert.equal(parseSecurityOptions([option]).noNewPrivileges, true, option);
  }
  assert.equal(parseSecurityOptions(['no-new-privileges=false']).noNewPrivileges, false);
});

test('seccomp: off, built in, or a profile as JSON text', () => {
  assert.equal(parseSecurityOptions(['seccomp=unconfined']).seccomp, 'unconfined');
  assert.equal(parseSecurityOptions(['seccomp=builtin']).seccomp, undefined);
  const profile = {
    defaultAction: 'SCMP_ACT_ALLOW',
    syscalls: [{ name: 'chmod', action: 'SCMP_ACT_ERRNO' }],
  };
  assert.deepEqual(parseSecurityOptions([`seccomp=${JSON.stringify(profile)}`]).seccomp, profile);
});

test('options that are none, and profiles that cannot be read, are refused', () => {
  assert.throws(() => parseSecurityOptions(['foo=bar']), { kind: 'invalid', message: /"foo=bar"/ });
  assert.throws(() => parseSecurityOptions(['seccomp']), { kind: 'invalid' });
  assert.throws(() => parseSecurityOptions(['no-new-privileges=maybe']), { kind: 'invalid' });
  for (const text of ['{', '[]', '{}', 'null', '"x"', '/etc/profile.json']) {
    assert.throws(() => parseSecurityOptions([`seccomp=${text}`]), /Decoding seccomp profile failed/, text);
  }
});
