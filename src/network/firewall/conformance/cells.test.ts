import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeCell, type Way } from './cell.ts';
import { CELLS } from './cells.ts';
import { CONTAINER_PORTS, hostPortOf, NETWORK_NAMES } from './layout.ts';

test('no question is asked twice, and every answer has a reason', () => {
  const asked = CELLS.map(describeCell);
  assert.deepEqual(
    asked.filter((cell, index) => asked.indexOf(cell) !== index),
    [],
  );
  for (const cell of CELLS) assert.ok(cell.why.length > 0, describeCell(cell));
});

test('the table is asked over both families and both protocols, and of every kind of network', () => {
  for (const [family, proto] of [
    ['v4', 'tcp'],
    ['v4', 'udp'],
    ['v6', 'tcp'],
    ['v6', 'udp'],
  ]) {
    const networks = CELLS.filter((cell) => cell.family === family && cell.proto === proto).flatMap(
      ({ to }) => ('network' in to ? [to.network] : []),
    );
    // `other` is there to ask; what it would answer is what `nat` answers.
    assert.deepEqual(
      NETWORK_NAMES.filter((network) => !networks.includes(network)),
      ['other'],
    );
  }
});

test('no two networks publish the same port of the host', () => {
  const ports = NETWORK_NAMES.flatMap((network) => [
    hostPortOf(network, 'published'),
    hostPortOf(network, 'loopback'),
  ]);
  assert.equal(new Set(ports).size, ports.length);
});

/** Who can ask a network, and by which ways: `other` is a container of another network, `server` the one that is asked. */
const WAYS: Readonly<Record<string, readonly Way[]>> = {
  world: ['host'],
  lan: ['host', 'direct'],
  host: ['host', 'loopback', 'direct'],
  sibling: ['host', 'gateway', 'direct'],
  server: ['host'],
  other: ['host', 'gateway', 'direct'],
};
/** What is left out, and why. */
const LEFT_OUT: Readonly<Record<string, string>> = {
  'host asks isolated directly': 'the host has no address there, and nothing filters what it sends',
  'sibling asks isolated by gateway': 'nobody has that address',
};

test('everybody asks every network by every way, whatever became of the port', () => {
  const kindOf = (from: string, network: string) => {
    const [own, member = own] = from.split('.');
    return own === from || own === network ? member : 'other';
  };
  const question = (who: string, network: string, way: Way) =>
    `${who} asks ${network} ${way === 'direct' ? 'directly' : `by ${way}`}`;
  const asked = new Set(
    CELLS.flatMap(({ from, to, way, port, family }) =>
      'network' in to
        ? [`${question(kindOf(from, to.network) ?? '', to.network, way)}: ${port} ${family}`]
        : [],
    ),
  );
  const missing = NETWORK_NAMES.filter((network) => network !== 'other').flatMap((network) =>
    Object.entries(WAYS).flatMap(([who, ways]) =>
      ways
        .map((way) => question(who, network, way))
        .filter((text) => !(text in LEFT_OUT))
        .flatMap((text) =>
          Object.keys(CONTAINER_PORTS).flatMap((port) => [`${text}: ${port} v4`, `${text}: ${port} v6`]),
        ),
    ),
  );
  assert.deepEqual(
    missing.filter((cell) => !asked.has(cell)),
    [],
  );
});
