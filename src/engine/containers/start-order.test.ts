import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ContainerRecord } from './record.ts';
import { inOrderOfNeeds, needs } from './start-order.ts';

function container(
  id: string,
  modes: { network?: string; ipc?: string; pid?: string } = {},
  links: string[] = [],
): { record: ContainerRecord } {
  const hostConfig = {
    NetworkMode: modes.network ?? 'bridge',
    IpcMode: modes.ipc ?? 'private',
    PidMode: modes.pid ?? '',
  };
  return {
    record: {
      id,
      hostConfig,
      links: links.map((containerId) => ({ containerId, alias: containerId })),
    } as ContainerRecord,
  };
}

const ids = (containers: Array<{ record: ContainerRecord }>) => containers.map(({ record }) => record.id);

test('`needs()` names each container once whose namespace or address is shared', () => {
  const { record } = container('a', { network: 'container:n', ipc: 'container:n', pid: 'container:p' }, [
    'l',
    'p',
  ]);
  assert.deepEqual(needs(record), ['n', 'p', 'l']);
  assert.deepEqual(needs(container('b', { network: 'host', pid: 'host' }).record), []);
});

test('`inOrderOfNeeds()` puts what is needed first and leaves the others as they were', () => {
  const all = [
    container('web', {}, ['app']),
    container('other'),
    container('app', { network: 'container:base' }),
    container('base'),
  ];
  assert.deepEqual(ids(inOrderOfNeeds(all)), ['base', 'app', 'web', 'other']);
});

test('`inOrderOfNeeds()` gives every container once, in a circle of links too, and ignores needs outside', () => {
  const all = [container('a', {}, ['b', 'gone']), container('b', {}, ['c']), container('c', {}, ['a'])];
  assert.deepEqual(ids(inOrderOfNeeds(all)).toSorted(), ['a', 'b', 'c']);
});
