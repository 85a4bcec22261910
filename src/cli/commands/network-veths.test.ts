import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { NetworkMap } from '../map/model.ts';
import { vethEntries } from './network-veths.ts';

const map = JSON.parse(
  readFileSync(new URL('../map/golden/host.json', import.meta.url), 'utf8'),
) as NetworkMap;
const idOf = (name: string) => map.networks.find((network) => network.name === name)!.id;

test('`vethEntries()` tells both ends of every pair of the networks that are meant, and of a network without any its name', () => {
  const entries = vethEntries(map, new Set([idOf('bridge'), idOf('none')]));
  const [client, web, none] = entries.toSorted((a, b) =>
    (a.container?.name ?? '~') < (b.container?.name ?? '~') ? -1 : 1,
  );
  assert.deepEqual(web, {
    network: { id: idOf('bridge'), name: 'bridge', driver: 'bridge' },
    bridge: 'docker0',
    container: { id: web?.container?.id, name: 'web1', pid: 99 },
    interface: { name: 'eth0', index: 6 },
    veth: { name: 'veth3f2a1c0', index: 7 },
    mac: '02:42:ac:11:00:02',
    addresses: ['172.17.0.2/16'],
  });
  assert.equal(client?.veth?.name, 'vethb7d90e1');
  assert.deepEqual(none, { network: { id: idOf('none'), name: 'none', driver: 'null' }, addresses: [] });
  // A container that does not run has no pair.
  assert.equal(entries.length, 3);
});
