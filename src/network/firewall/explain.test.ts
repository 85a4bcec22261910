import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explainOrigin, ownerOfOrigin } from './explain.ts';
import { compileIptables } from './iptables/compile.ts';
import { SCENARIOS } from './iptables/scenarios.testing.ts';
import { compileNftables } from './nftables/compile.ts';
import type { Origin } from './origin.ts';

const NAMES = { network: (id: string) => `net ${id}`, endpoint: (id: string) => `box ${id}` };
const explained = (origin: Origin) => [explainOrigin(origin, NAMES), ownerOfOrigin(origin, NAMES)];

test('a sentence has the names, the ports and the address in it', () => {
  const port = {
    proto: 'tcp',
    containerPort: 80,
    containerPortEnd: 80,
    hostIp: '::',
    hostPort: 8080,
  } as const;
  assert.deepEqual(explained({ key: 'port-translate', networkId: 'n', endpointId: 'e', port }), [
    'Port 8080 of every address of the host stands for port 80 of box e.',
    'port 80/tcp of box e',
  ]);
  const range = { proto: 'udp', containerPort: 53, containerPortEnd: 54 } as const;
  const link = { serverEndpointId: 's', alias: 'dns' };
  assert.deepEqual(explained({ key: 'link-request', networkId: 'n', endpointId: 'e', port: range, link }), [
    'box e may open connections to port 53-54 of box s, which is linked as dns.',
    'the link from box e to box s',
  ]);
  assert.deepEqual(explained({ key: 'outgoing', networkId: 'n' }), [
    'Containers of net n reach the world.',
    'network net n',
  ]);
  assert.equal(explained({ key: 'user-jump' })[1], 'every network');
});

test('no rule of any compiler leaves a gap in its sentence', () => {
  for (const intent of Object.values(SCENARIOS)) {
    const { v4, v6 } = compileNftables(intent);
    const origins = [
      ...Object.values(compileIptables(intent)).flatMap(({ rules }) =>
        rules.map(({ origin }: { origin: Origin }) => origin),
      ),
      ...[v4, v6].flatMap(({ chains, sets }) => [
        ...chains.flatMap(({ rules }) => rules.map(({ origin }) => origin)),
        ...sets.flatMap(({ elements }) => elements.map(({ origin }) => origin)),
      ]),
    ];
    for (const origin of origins) assert.doesNotMatch(explainOrigin(origin, NAMES), /[{}]/, origin.key);
  }
});
