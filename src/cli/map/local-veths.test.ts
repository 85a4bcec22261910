import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { withLocalVeths } from './local-veths.ts';
import type { MapEndpoint, NetworkMap } from './model.ts';

const endpoint = (pid: number | undefined, mac: string): MapEndpoint => ({
  networkId: 'n',
  container: { id: 'c', name: 'web', state: 'running', ...(pid === undefined ? {} : { pid }) },
  mac,
  addresses: [],
  ports: [],
  links: [],
});
const mapOf = (...endpoints: MapEndpoint[]): NetworkMap => ({
  host: { interfaces: [] },
  networks: [],
  endpoints,
});

test('`withLocalVeths()` joins both ends by their numbers, and leaves what it cannot see', () => {
  const root = mkdtempSync(join(tmpdir(), 'bp-veths-'));
  const link = (folder: string, name: string, index: number, peer: number, address: string) => {
    const path = join(root, folder, name);
    mkdirSync(path, { recursive: true });
    for (const [file, value] of Object.entries({ ifindex: index, iflink: peer, address })) {
      writeFileSync(join(path, file), `${value}\n`);
    }
  };
  try {
    mkdirSync(join(root, 'proc/self/net'), { recursive: true });
    writeFileSync(
      join(root, 'proc/self/net/igmp'),
      [
        'Idx\tDevice    : Count Querier\tGroup    Users Timer\tReporter',
        '1\tlo        :     1      V3',
        '\t\t\t\t010000E0     1 0:00000000\t\t0',
        '7\tveth1234567:     1      V3',
        '',
      ].join('\n'),
    );
    link('proc/42/root/sys/class/net', 'lo', 1, 1, '00:00:00:00:00:00');
    link('proc/42/root/sys/class/net', 'eth0', 2, 7, '02:42:ac:11:00:02');
    const known = { ...endpoint(42, '02:42:ac:11:00:02'), hostVeth: { name: 'vethknown' } };
    const { endpoints } = withLocalVeths(
      mapOf(
        endpoint(42, '02:42:ac:11:00:02'),
        endpoint(42, '02:42:ac:11:00:03'),
        endpoint(43, '02:42:ac:11:00:02'),
        endpoint(undefined, '02:42:ac:11:00:02'),
        known,
      ),
      root,
    );
    assert.deepEqual(
      endpoints.map(({ hostVeth }) => hostVeth?.name),
      ['veth1234567', undefined, undefined, undefined, 'vethknown'],
    );
    assert.deepEqual(endpoints[0]?.inside, { name: 'eth0', index: 2 });
  } finally {
    rmSync(root, { recursive: true });
  }
});
