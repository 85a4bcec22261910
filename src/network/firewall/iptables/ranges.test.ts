import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { seededRandom } from '../../ipam/seeded-random.testing.ts';
import type { PortMapping } from '../../model/port.ts';
import { joinMappings, mergeRanges } from './ranges.ts';
import { published } from './scenarios.testing.ts';

/** Every single port that mappings lead to another. */
const pairs = (mappings: readonly PortMapping[]) =>
  mappings
    .flatMap(({ hostPort, hostPortEnd = hostPort, containerPort, ...rest }) =>
      Array.from({ length: hostPortEnd - hostPort + 1 }, (_, offset) =>
        [rest.proto, rest.hostIp, hostPort + offset, rest.containerIp, containerPort + offset].join(' '),
      ),
    )
    .sort();

describe('joinMappings', () => {
  test('joins ports that go on in step, in any order', () => {
    const joined = joinMappings(
      ['8001:81', '8000:80', '8002-8004:82-84'].map((text) => published('10.0.0.2', text)),
    );
    assert.deepEqual(
      joined.map(({ hostPort, hostPortEnd, containerPort, containerPortEnd }) => [
        hostPort,
        hostPortEnd,
        containerPort,
        containerPortEnd,
      ]),
      [[8000, 8004, 80, 84]],
    );
  });

  test('keeps apart what does not go on in step', () => {
    assert.equal(joinMappings(['8000:80', '8001:82'].map((text) => published('10.0.0.2', text))).length, 2);
    assert.equal(joinMappings(['8000:80', '8002:81'].map((text) => published('10.0.0.2', text))).length, 2);
    assert.equal(
      joinMappings(['8000:80', '8001:81/udp'].map((text) => published('10.0.0.2', text))).length,
      2,
    );
  });

  test('fills in the ends, and takes the size of one range for the other', () => {
    const { hostPortEnd: _, ...open } = published('10.0.0.2', '8000-8009:80-89');
    assert.equal(joinMappings([open])[0]?.hostPortEnd, 8009);
  });

  test('joins ports that are bound to nothing on the host by their container ports', () => {
    const unbound = [80, 81, 90].map((port) => ({
      ...published('10.0.0.2', `${port}:${port}`),
      hostPort: 0,
      hostPortEnd: 0,
    }));
    assert.deepEqual(
      joinMappings(unbound).map(({ containerPort, containerPortEnd }) => [containerPort, containerPortEnd]),
      [
        [80, 81],
        [90, 90],
      ],
    );
  });

  test('leads every port where it led before, for 300 random lists', () => {
    const random = seededRandom(8080);
    for (let round = 0; round < 300; round++) {
      const free = new Set(Array.from({ length: 40 }, (_, index) => 8000 + index));
      const mappings = Array.from({ length: random(20) }, () => {
        const hostPort = [...free][random(free.size)] ?? 0;
        free.delete(hostPort);
        const shift = [0, 0, -7920, 5][random(4)] ?? 0;
        return published(`10.0.0.${2 + random(2)}`, `${hostPort}:${hostPort + shift}`);
      });
      const joined = joinMappings(mappings);
      assert.deepEqual(pairs(joined), pairs(mappings));
      assert.deepEqual(joinMappings(joined), joined, 'nothing more to join');
    }
  });
});

test('`mergeRanges()` joins what overlaps or touches', () => {
  assert.deepEqual(
    mergeRanges([
      { start: 90, end: 95 },
      { start: 80, end: 80 },
      { start: 81, end: 85 },
      { start: 84, end: 84 },
      { start: 87, end: 87 },
    ]),
    [
      { start: 80, end: 85 },
      { start: 87, end: 87 },
      { start: 90, end: 95 },
    ],
  );
  assert.deepEqual(mergeRanges([]), []);
});
