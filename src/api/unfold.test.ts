import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { JsonPieces, joinPieces, sendMany } from './json-pieces.ts';
import { portSummaries, unfoldedPortSet, unfoldedPorts } from './unfold.ts';

/** What a client reads. */
async function sent(value: unknown): Promise<unknown> {
  const server = createServer((_, response) => void sendMany(response, value)).listen(0, '127.0.0.1');
  try {
    await once(server, 'listening');
    return await (await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)).json();
  } finally {
    server.close();
  }
}

const COUNT = 20_000;
const MANY = `20000-${20_000 + COUNT - 1}/udp`;
const many = { [MANY]: [{ HostIp: '0.0.0.0', HostPort: '30000-49999' }] };
const port = (index: number) => `${20_000 + index}/udp`;
const numbers = Array.from({ length: COUNT }, (_, index) => index);

test('few ports are plain values', () => {
  assert.deepEqual(unfoldedPorts({ '80-81/tcp': [{ HostIp: '', HostPort: '8080-8081' }] }), {
    '80/tcp': [{ HostIp: '', HostPort: '8080' }],
    '81/tcp': [{ HostIp: '', HostPort: '8081' }],
  });
  assert.deepEqual(unfoldedPortSet({ '80-81/tcp': {}, '53/udp': {} }), {
    '80/tcp': {},
    '81/tcp': {},
    '53/udp': {},
  });
});

test('`ps` has an item for each host side; a routed port has none, and is met under the container’s own address', () => {
  const both = (HostPort: string) => ['0.0.0.0', '::'].map((HostIp) => ({ HostIp, HostPort }));
  assert.deepEqual(portSummaries({ '80/tcp': both('8080'), '53/udp': null, '443/tcp': both('') }), [
    { IP: '0.0.0.0', PrivatePort: 80, Type: 'tcp', PublicPort: 8080 },
    { IP: '::', PrivatePort: 80, Type: 'tcp', PublicPort: 8080 },
    { PrivatePort: 53, Type: 'udp' },
    { PrivatePort: 443, Type: 'tcp' },
  ]);
});

test('many are sent piece by piece, and read the same', async () => {
  const value = {
    name: 'a "b"',
    gone: undefined,
    list: [{ ports: portSummaries(many) }, null, 1],
    ports: unfoldedPorts(many),
    set: unfoldedPortSet({ [MANY]: {} }),
  };
  assert.ok(value.ports instanceof JsonPieces && value.set instanceof JsonPieces);
  assert.deepEqual(await sent(value), {
    name: 'a "b"',
    list: [
      {
        ports: numbers.map((index) => ({
          IP: '0.0.0.0',
          PrivatePort: 20_000 + index,
          Type: 'udp',
          PublicPort: 30_000 + index,
        })),
      },
      null,
      1,
    ],
    ports: Object.fromEntries(
      numbers.map((index) => [port(index), [{ HostIp: '0.0.0.0', HostPort: `${30_000 + index}` }]]),
    ),
    set: Object.fromEntries(numbers.map((index) => [port(index), {}])),
  });
});

test('others have their turn while many are sent', async () => {
  let turns = 0;
  let isSending = true;
  const count = () => {
    turns++;
    if (isSending) setImmediate(count);
  };
  setImmediate(count);
  await sent(unfoldedPorts(many));
  isSending = false;
  assert.ok(turns > 3, `${turns} turns`);
});

test('no member is an empty object or list', () => {
  assert.equal([...joinPieces('{', [])].join(''), '{}');
  assert.equal([...joinPieces('[', [])].join(''), '[]');
  assert.equal([...joinPieces('[', ['1', '2'])].join(''), '[1,2]');
});
