import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseChallenges } from './challenge.ts';

describe('parseChallenges()', () => {
  test('reads a bearer challenge as Docker Hub sends it', () => {
    assert.deepEqual(
      parseChallenges(
        'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/x:pull"',
      ),
      [
        {
          scheme: 'bearer',
          parameters: {
            realm: 'https://auth.docker.io/token',
            service: 'registry.docker.io',
            scope: 'repository:library/x:pull',
          },
        },
      ],
    );
  });
  test('reads several challenges in one header', () => {
    assert.deepEqual(parseChallenges('Negotiate, Basic realm="a, b", Bearer realm=x'), [
      { scheme: 'negotiate', parameters: {} },
      { scheme: 'basic', parameters: { realm: 'a, b' } },
      { scheme: 'bearer', parameters: { realm: 'x' } },
    ]);
  });
  test('takes escaped quotes, blanks and names in any case', () => {
    assert.deepEqual(parseChallenges('BASIC  Realm = "a \\"b\\""'), [
      { scheme: 'basic', parameters: { realm: 'a "b"' } },
    ]);
  });
  test('keeps what it could read of a broken header', () => {
    assert.deepEqual(parseChallenges('Basic realm="a", x="'), [
      { scheme: 'basic', parameters: { realm: 'a' } },
    ]);
    assert.deepEqual(parseChallenges(''), []);
    assert.deepEqual(parseChallenges('='), []);
  });
});
