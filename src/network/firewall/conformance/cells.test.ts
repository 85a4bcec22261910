import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CELLS, describeCell } from './cells.ts';
import { hostPortOf, NETWORK_NAMES } from './layout.ts';

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
