import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  foldPortSet,
  portMap,
  portPieces,
  portRun,
  portRuns,
  remainder,
  unfoldPortSet,
  unfoldPorts,
} from './port-runs.ts';
import type { PortMap } from './wire/index.ts';

const to = (HostPort: string, HostIp = '') => [{ HostIp, HostPort }];
const fold = (map: PortMap) => portMap(Object.entries(map).map(([key, hosts]) => portRun(key, hosts)));
const unfold = (map: PortMap) => Object.fromEntries(unfoldPorts(map));

test('neighbours in step are one entry, whatever their order, and come out as they went in', () => {
  const single = {
    '82/tcp': to('8082', '::1'),
    '80/tcp': to('8080', '::1'),
    '81/tcp': to('8081', '::1'),
    '53/udp': to(''),
    '54/udp': to(''),
  };
  const folded = fold(single);
  assert.deepEqual(folded, { '80-82/tcp': to('8080-8082', '::1'), '53-54/udp': to('') });
  assert.deepEqual(unfold(folded), single);
  assert.deepEqual(portMap(portRuns(folded)), folded);
});

test('neighbours that differ in offset, host sides or address, and choices among several ports, stay apart', () => {
  const apart: PortMap = {
    '80/tcp': to('8080'),
    '81/tcp': to('9081'),
    '82/tcp': to('9082', '10.0.0.1'),
    '83/tcp': [...to('9083', '10.0.0.1'), ...to('', '::1')],
    '84/tcp': to('8000-8010'),
    '85/tcp': to('8001-8011'),
    '86/tcp': null,
    '87/tcp': [],
    '88/tcp': to('http'),
    '89/tcp': to('08001'),
    '90/tcp': to('08002'),
    '91/udp': to('08003'),
  };
  assert.deepEqual(fold(apart), apart);
  assert.deepEqual(unfold(apart), apart);
});

test('several host sides of a run grow together', () => {
  const hosts = (step: number) => [
    ...to(`${8080 + step}`),
    ...to('', '::1'),
    ...to(`${step + 1}`, '10.0.0.1'),
  ];
  const folded = fold({ '80/tcp': hosts(0), '81/tcp': hosts(1) });
  assert.deepEqual(folded, { '80-81/tcp': [...to('8080-8081'), ...to('', '::1'), ...to('1-2', '10.0.0.1')] });
  assert.deepEqual(unfold(folded), { '80/tcp': hosts(0), '81/tcp': hosts(1) });
});

test('what comes later has a port that two entries name', () => {
  assert.deepEqual(fold({ '80': to('1'), '80/tcp': to('2') }), { '80/tcp': to('2') });
  const runs = portRuns({ '80-82/tcp': to('8080-8082'), '82/tcp': to('9') });
  assert.deepEqual(portMap(runs), { '80-81/tcp': to('8080-8081'), '82/tcp': to('9') });
});

test('`portRun()` takes one port in the spelling of clients, and quotes what is none', () => {
  const key = (text: string) => {
    const { start, proto } = portRun(text, null);
    return `${start}/${proto}`;
  };
  assert.equal(key('80'), '80/tcp');
  assert.equal(key('65535/SCTP'), '65535/sctp');
  for (const text of ['', '0', '65536', '80/', '80/icmp', '-1', '80-90', 'http', '80/tcp/x']) {
    assert.throws(() => key(text), { kind: 'invalid', message: new RegExp(`"${text}"`) }, text);
  }
});

test('a set of ports folds and unfolds, and overlaps are no matter', () => {
  const folded = foldPortSet(['82', '80/tcp', '81/tcp', '53/udp', '80-84/tcp']);
  assert.deepEqual(folded, { '80-84/tcp': {}, '53/udp': {} });
  assert.deepEqual(
    [...unfoldPortSet(Object.keys(folded))],
    ['80/tcp', '81/tcp', '82/tcp', '83/tcp', '84/tcp', '53/udp'],
  );
});

test('`portPieces()` cuts ranges where another begins or ends', () => {
  const range = (start: number, end: number, proto: 'tcp' | 'udp' = 'tcp') => ({ start, end, proto });
  const [a, b, c, d] = [range(10, 20), range(15, 30), range(40, 40), range(15, 16, 'udp')];
  assert.deepEqual(portPieces([a, b, c, d]), [
    { ...range(10, 14), of: [a] },
    { ...range(15, 20), of: [a, b] },
    { ...range(21, 30), of: [b] },
    { ...c, of: [c] },
    { ...d, of: [d] },
  ]);
});

test('`remainder()` is what parts leave of a range', () => {
  const whole = { start: 10, end: 20 };
  assert.deepEqual(remainder(whole, []), [whole]);
  assert.deepEqual(
    remainder(whole, [
      { start: 15, end: 15 },
      { start: 1, end: 10 },
      { start: 19, end: 30 },
    ]),
    [
      { start: 11, end: 14 },
      { start: 16, end: 18 },
    ],
  );
  assert.deepEqual(
    remainder(whole, [
      { start: 30, end: 40 },
      { start: 1, end: 20 },
    ]),
    [],
  );
});
