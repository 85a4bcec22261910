import assert from 'node:assert/strict';
import { it } from 'node:test';
import { mergeRunConfig, runConfigOf } from './run-config.ts';

it('`runConfigOf()` keeps what an image is run with, and nothing of the one container', () => {
  const config = {
    Hostname: 'abc',
    Image: 'busybox',
    Tty: true,
    Env: ['A=1'],
    Cmd: ['sh'],
    Entrypoint: null,
    Volumes: null,
    Labels: {},
    WorkingDir: '/srv',
    // Neighbours are one entry within the daemon, never in an image.
    ExposedPorts: { '80-81/tcp': {} },
  };
  assert.deepEqual(runConfigOf(config), {
    Env: ['A=1'],
    Cmd: ['sh'],
    WorkingDir: '/srv',
    ExposedPorts: { '80/tcp': {}, '81/tcp': {} },
  });
});

it('`mergeRunConfig()` lets the own say more, and keeps the rest', () => {
  const base = {
    Env: ['A=1', 'B=2'],
    Cmd: ['sh'],
    User: 'www',
    Labels: { a: '1', b: '2' },
    Volumes: { '/a': {} },
  };
  assert.deepEqual(mergeRunConfig({}, base), base);
  assert.deepEqual(mergeRunConfig({ Env: ['B=3'], Labels: { b: '3' }, Volumes: { '/b': {} } }, base), {
    Env: ['B=3', 'A=1'],
    Cmd: ['sh'],
    User: 'www',
    Labels: { a: '1', b: '3' },
    Volumes: { '/a': {}, '/b': {} },
  });
});

it('`mergeRunConfig()` drops the command of a base whose entrypoint is replaced', () => {
  const base = { Entrypoint: ['/old'], Cmd: ['old'] };
  assert.deepEqual(mergeRunConfig({ Entrypoint: ['/new'] }, base), { Entrypoint: ['/new'] });
  assert.deepEqual(mergeRunConfig({ Entrypoint: ['/new'], Cmd: ['x'] }, base), {
    Entrypoint: ['/new'],
    Cmd: ['x'],
  });
  assert.deepEqual(mergeRunConfig({ Cmd: ['x'] }, base), { Entrypoint: ['/old'], Cmd: ['x'] });
});
