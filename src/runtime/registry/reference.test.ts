import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  familiarReference,
  formatReference,
  isDigest,
  parseReference,
  withDefaultTag,
  withDigest,
  withTag,
} from './reference.ts';

const DIGEST = `sha256:${'0123456789abcdef'.repeat(4)}`;

describe('parseReference()', () => {
  const rows: Array<[text: string, full: string, familiar: string]> = [
    ['nginx', 'docker.io/library/nginx', 'nginx'],
    ['nginx:1.25', 'docker.io/library/nginx:1.25', 'nginx:1.25'],
    ['docker.io/nginx', 'docker.io/library/nginx', 'nginx'],
    ['index.docker.io/library/nginx', 'docker.io/library/nginx', 'nginx'],
    ['me/app', 'docker.io/me/app', 'me/app'],
    ['library/a/b', 'docker.io/library/a/b', 'library/a/b'],
    ['localhost/app', 'localhost/app', 'localhost/app'],
    ['localhost:5000/app:V1', 'localhost:5000/app:V1', 'localhost:5000/app:V1'],
    ['127.0.0.1:5000/a/b', '127.0.0.1:5000/a/b', '127.0.0.1:5000/a/b'],
    ['[::1]:5000/a', '[::1]:5000/a', '[::1]:5000/a'],
    ['registry.local/a.b/c_d/e--f:x', 'registry.local/a.b/c_d/e--f:x', 'registry.local/a.b/c_d/e--f:x'],
    [`nginx@${DIGEST}`, `docker.io/library/nginx@${DIGEST}`, `nginx@${DIGEST}`],
    [`nginx:tag@${DIGEST}`, `docker.io/library/nginx:tag@${DIGEST}`, `nginx:tag@${DIGEST}`],
    ['UPPER/app', 'UPPER/app', 'UPPER/app'],
  ];
  for (const [text, full, familiar] of rows) {
    test(`reads ${text} as ${full}`, () => {
      const reference = parseReference(text);
      assert.equal(formatReference(reference), full);
      assert.equal(familiarReference(reference), familiar);
    });
  }

  for (const text of [
    '',
    ':',
    'a//b',
    '-a',
    'a:',
    'a@',
    'a b',
    'a/../b',
    'http://x/y',
    'a:b:c',
    'x/',
    '/x',
    'a@sha256:12',
  ]) {
    test(`refuses '${text}' as invalid reference format`, () => {
      assert.throws(() => parseReference(text), { kind: 'invalid', message: /^invalid reference format/ });
    });
  }

  test('names the upper case repository that it refuses', () => {
    assert.throws(() => parseReference('Nginx'), {
      message: 'invalid reference format: repository name (library/Nginx) must be lowercase',
    });
  });

  test('refuses a bare 64 digit identifier', () => {
    assert.throws(() => parseReference('a'.repeat(64)), {
      message: /cannot specify 64-byte hexadecimal strings/,
    });
  });

  test('refuses a digest of the wrong length and an unknown algorithm', () => {
    assert.throws(() => parseReference(`a@sha256:${'0'.repeat(32)}`), {
      message: 'invalid checksum digest length',
    });
    assert.throws(() => parseReference(`a@md5:${'0'.repeat(32)}`), {
      message: 'unsupported digest algorithm',
    });
  });

  test('refuses a repository name longer than 255 characters', () => {
    assert.throws(() => parseReference('a'.repeat(256)), { message: /must not be more than 255 characters/ });
  });
});

test('withDefaultTag() adds latest only to a bare name', () => {
  assert.equal(withDefaultTag(parseReference('a')).tag, 'latest');
  assert.equal(withDefaultTag(parseReference('a:1')).tag, '1');
  assert.equal(withDefaultTag(parseReference(`a@${DIGEST}`)).tag, undefined);
});

test('withTag() and withDigest() refuse what is none', () => {
  const name = parseReference('a');
  assert.equal(formatReference(withTag(name, '1')), 'docker.io/library/a:1');
  assert.throws(() => withTag(name, '.x'), { message: 'invalid tag format' });
  assert.throws(() => withDigest(name, 'x'), { message: 'invalid digest format' });
});

test('isDigest() asks for the full length in lower case', () => {
  assert.ok(isDigest(DIGEST));
  assert.ok(!isDigest(DIGEST.toUpperCase()));
  assert.ok(!isDigest('sha256:12'));
  assert.ok(!isDigest('0123'));
});
