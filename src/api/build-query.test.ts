import assert from 'node:assert/strict';
import { it } from 'node:test';
import { buildOptions } from './build-query.ts';
import { Query } from './query.ts';

const options = (search: string, headers = {}) => buildOptions(new Query(search), headers);

it('`buildOptions()` reads what the command line sends', () => {
  const search =
    't=a&t=b%3A1&dockerfile=D&q=1&nocache=1&pull=1&rm=1&forcerm=0&buildargs=%7B%22A%22%3A%221%22%2C%22B%22%3Anull%7D' +
    '&labels=%7B%22l%22%3A%22v%22%7D&cachefrom=%5B%22x%22%5D&memory=8388608&shmsize=0&extrahosts=a%3A1.2.3.4&networkmode=host' +
    '&ulimits=%5B%7B%22Name%22%3A%22nofile%22%2C%22Soft%22%3A1%2C%22Hard%22%3A2%7D%5D&target=x&version=1';
  const found = options(search);
  assert.deepEqual(found.tags, ['a', 'b:1']);
  assert.deepEqual(found.buildArgs, { A: '1', B: null });
  assert.deepEqual(found.labels, { l: 'v' });
  assert.deepEqual(found.ulimits, [{ Name: 'nofile', Soft: 1, Hard: 2 }]);
  assert.deepEqual(found.ignored, ['--cache-from']);
  assert.deepEqual(
    [found.quiet, found.noCache, found.pull, found.remove, found.forceRemove],
    [true, true, true, true, false],
  );
  assert.deepEqual(
    [found.dockerfile, found.memory, found.shmSize, found.extraHosts, found.networkMode, found.target],
    ['D', 8_388_608, 0, ['a:1.2.3.4'], 'host', 'x'],
  );
});

it('`buildOptions()` has defaults, and takes `null` for nothing', () => {
  const found = options('labels=null&buildargs=null&cachefrom=null&ulimits=null');
  assert.deepEqual(
    [found.labels, found.buildArgs, found.ulimits, found.ignored, found.tags, found.remove],
    [{}, {}, [], [], [], true],
  );
});

it('`buildOptions()` reads the credentials of every registry, and none from what is no JSON', () => {
  const header = Buffer.from(JSON.stringify({ 'r.example': { username: 'u', password: 'p' } })).toString(
    'base64',
  );
  assert.equal(options('', { 'x-registry-config': header }).auths['r.example']?.username, 'u');
  assert.deepEqual(options('', { 'x-registry-config': '!' }).auths, {});
});

it('`buildOptions()` refuses what only BuildKit knows, and what cannot be read', () => {
  assert.throws(() => options('version=2'), /building with BuildKit is not implemented/);
  assert.throws(() => options('remote=https%3A%2F%2Fx.git'), /a remote build context \(https:\/\/x\.git\)/);
  assert.throws(() => options('squash=1'), /--squash is not implemented/);
  assert.throws(() => options('buildargs=%7B'), /error reading buildargs/);
  assert.throws(() => options('memory=x'), /invalid value for 'memory'/);
});
