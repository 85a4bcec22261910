import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  choosePlatform,
  formatPlatform,
  hostPlatform,
  normalizePlatform,
  parsePlatform,
  platformMatches,
} from './platform.ts';

const entry = (text: string, digest = text) => {
  const [os, architecture, variant] = text.split('/') as [string, string, string?];
  return {
    mediaType: 'm',
    digest,
    size: 1,
    platform: { os, architecture, ...(variant === undefined ? {} : { variant }) },
  };
};

describe('normalizePlatform()', () => {
  for (const [given, expected] of [
    ['linux/aarch64', 'linux/arm64'],
    ['linux/arm64/v8', 'linux/arm64'],
    ['linux/x86_64', 'linux/amd64'],
    ['Linux/ARM', 'linux/arm/v7'],
    ['linux/armel', 'linux/arm/v6'],
    ['linux/arm/6', 'linux/arm/v6'],
  ] as const) {
    test(`${given} is ${expected}`, () => {
      assert.equal(formatPlatform(normalizePlatform(entry(given).platform)), expected);
    });
  }
});

describe('parsePlatform()', () => {
  const host = hostPlatform('x64');
  test('completes a lone system or architecture from the host', () => {
    assert.equal(formatPlatform(parsePlatform('linux', host)), 'linux/amd64');
    assert.equal(formatPlatform(parsePlatform('arm64', host)), 'linux/arm64');
    assert.equal(formatPlatform(parsePlatform('linux/arm/v6', host)), 'linux/arm/v6');
  });
  for (const text of ['', 'a/b/c/d', 'linux/', 'plan10', 'lin ux/amd64']) {
    test(`refuses '${text}'`, () => {
      assert.throws(() => parsePlatform(text, host), { kind: 'invalid' });
    });
  }
});

describe('choosePlatform()', () => {
  test("takes the host's own", () => {
    const list = [entry('linux/arm64'), entry('linux/amd64'), entry('linux/386')];
    assert.equal(choosePlatform(list, hostPlatform('x64'))?.digest, 'linux/amd64');
    assert.equal(choosePlatform(list, hostPlatform('arm64'))?.digest, 'linux/arm64');
  });
  test('falls back to an older variant, the newest that fits', () => {
    const list = [entry('linux/arm/v5'), entry('linux/arm/v6'), entry('linux/arm/v8')];
    assert.equal(choosePlatform(list, parsePlatform('linux/arm/v7'))?.digest, 'linux/arm/v6');
    assert.equal(choosePlatform(list, parsePlatform('linux/arm64'))?.digest, 'linux/arm/v8');
  });
  test('never takes a newer variant than asked for', () => {
    assert.equal(choosePlatform([entry('linux/amd64/v3')], hostPlatform('x64')), undefined);
    assert.equal(
      choosePlatform([entry('linux/amd64/v2')], parsePlatform('linux/amd64/v3'))?.digest,
      'linux/amd64/v2',
    );
  });
  test('takes 386 on amd64 when there is nothing better', () => {
    assert.equal(choosePlatform([entry('linux/386')], hostPlatform('x64'))?.digest, 'linux/386');
  });
  test('leaves out attestations and other systems', () => {
    assert.equal(
      choosePlatform([entry('unknown/unknown'), entry('windows/amd64')], hostPlatform('x64')),
      undefined,
    );
  });
  test('takes an entry without a platform last', () => {
    const bare = { mediaType: 'm', digest: 'bare', size: 1 };
    assert.equal(choosePlatform([bare], hostPlatform('x64'))?.digest, 'bare');
    assert.equal(choosePlatform([bare, entry('linux/amd64')], hostPlatform('x64'))?.digest, 'linux/amd64');
  });
});

test('platformMatches() accepts arm on arm64, not the other way round', () => {
  assert.ok(platformMatches(hostPlatform('arm64'), entry('linux/arm/v7').platform));
  assert.ok(!platformMatches(hostPlatform('arm'), entry('linux/arm64').platform));
});
