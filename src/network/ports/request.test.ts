import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PortMap } from '../../base/wire/index.ts';
import { type PortWishes, publishRequests } from './request.ts';

const requests = (bindings: PortMap, more: Partial<PortWishes> = {}) =>
  publishRequests({ bindings, exposed: [], publishAll: false, defaultHostIp: '', ...more });

const to = (HostPort: string, HostIp = '') => [{ HostIp, HostPort }];

test('one binding is one request', () => {
  assert.deepEqual(requests({ '80/tcp': to('8080', '127.0.0.1') }), [
    {
      proto: 'tcp',
      containerPort: 80,
      containerPortEnd: 80,
      hostIp: '127.0.0.1',
      hostPort: 8080,
      hostPortEnd: 8080,
      anyOf: false,
      proxyProtocol: false,
    },
  ]);
});

test('no host port, or 0, is any free one; a range is one of it', () => {
  for (const text of ['', '0']) {
    const [request] = requests({ '80/tcp': to(text) });
    assert.deepEqual([request?.hostPort, request?.anyOf], [0, false]);
  }
  const [range] = requests({ '80/tcp': to('8000-8010') });
  assert.deepEqual([range?.hostPort, range?.hostPortEnd, range?.anyOf], [8000, 8010, true]);
});

/** `80-82→8080-8082` */
function short(bindings: PortMap, more: Partial<PortWishes> = {}): string[] {
  return requests(bindings, more).map(
    ({ proto, hostIp, containerPort, containerPortEnd, hostPort, hostPortEnd }) =>
      `${hostIp} ${containerPort}-${containerPortEnd}→${hostPort}-${hostPortEnd} ${proto}`.trim(),
  );
}

test('neighbours with the same offset are one request, whatever their order', () => {
  const bindings: PortMap = {};
  for (const port of [8002, 8000, 8001, 8004]) bindings[`${port}/tcp`] = to(String(port + 1000));
  assert.deepEqual(short(bindings), ['8000-8002→9000-9002 tcp', '8004-8004→9004-9004 tcp']);
});

test('neighbours that differ in offset, protocol, address, or that may be anywhere, are not joined', () => {
  assert.deepEqual(short({ '80/tcp': to('8080'), '81/tcp': to('9081') }).length, 2);
  assert.deepEqual(short({ '80/tcp': to('8080'), '81/udp': to('8081') }).length, 2);
  assert.deepEqual(short({ '80/tcp': to('8080', '10.0.0.1'), '81/tcp': to('8081', '10.0.0.2') }).length, 2);
  assert.deepEqual(short({ '80/tcp': to(''), '81/tcp': to('') }).length, 2);
  assert.deepEqual(short({ '80/tcp': to('8000-8001'), '81/tcp': to('8002-8003') }).length, 2);
});

test('a thousand ports are one request', () => {
  const bindings: PortMap = {};
  for (let port = 10_000; port < 11_000; port++) bindings[`${port}/udp`] = to(String(port));
  assert.deepEqual(short(bindings), ['10000-10999→10000-10999 udp']);
});

test('`-P` publishes what is exposed and not bound already', () => {
  const bindings: PortMap = { '80/tcp': to('8080'), '443/tcp': [] };
  assert.deepEqual(short(bindings, { publishAll: true, exposed: ['80/tcp', '443/tcp', '53/udp'] }), [
    '80-80→8080-8080 tcp',
    '443-443→0-0 tcp',
    '53-53→0-0 udp',
  ]);
  assert.deepEqual(short(bindings, { exposed: ['53/udp'] }), ['80-80→8080-8080 tcp']);
});

test('the address of the daemon stands for bindings that name none', () => {
  const bindings = { '80/tcp': [...to('8080'), ...to('8081', '::1')] };
  assert.deepEqual(short(bindings, { defaultHostIp: '10.0.0.1' }).toSorted(), [
    '10.0.0.1 80-80→8080-8080 tcp',
    '::1 80-80→8081-8081 tcp',
  ]);
});

test('what is no address or no port is refused, quoted', () => {
  assert.throws(() => requests({ '80/tcp': to('8080', '1.2.3') }), {
    kind: 'invalid',
    message: 'invalid host IP address "1.2.3" for port 80/tcp',
  });
  for (const text of ['http', '70000', '8010-8000', '80-', '-80', '1-70000', '0-10']) {
    assert.throws(
      () => requests({ '80/tcp': to(text) }),
      { kind: 'invalid', message: new RegExp(text) },
      text,
    );
  }
});

test('a run ends where the server begins to expect a PROXY header', () => {
  const bindings = { '80/tcp': to('8080'), '81/tcp': to('8081'), '80/udp': to('8080') };
  const proxyProtocol = [{ start: 81, end: 90 }];
  assert.deepEqual(
    requests(bindings, { proxyProtocol }).map((one) => [one.containerPort, one.proto, one.proxyProtocol]),
    [
      [80, 'tcp', false],
      [81, 'tcp', true],
      [80, 'udp', false],
    ],
  );
});

test('a port of the host that is wanted twice is refused in the words for one that somebody has', () => {
  const twice = (HostIp: string, other: string) => ({
    '80/tcp': [{ HostIp, HostPort: '8080' }],
    '81/tcp': [{ HostIp: other, HostPort: '8080' }],
  });
  const refused = { kind: 'conflict', message: 'Bind for 0.0.0.0:8080 failed: port is already allocated' };
  assert.throws(() => requests(twice('', '')), refused);
  assert.throws(() => requests(twice('', '0.0.0.0')), refused);
  const local = { ...refused, message: 'Bind for 127.0.0.1:8080 failed: port is already allocated' };
  assert.throws(() => requests(twice('', '127.0.0.1')), local);
  assert.throws(() => requests(twice('127.0.0.1', '0.0.0.0')), local);
  const within = { '8000-8100/tcp': to('8000-8100'), '80/tcp': to('8080', '127.0.0.1') };
  assert.throws(() => requests(within), local);
  assert.equal(requests(twice('0.0.0.0', '::')).length, 2);
  assert.equal(requests(twice('10.0.0.1', '10.0.0.2')).length, 2);
});

test('a range whose first port is published a second time loses none of its ports', () => {
  const bindings: PortMap = { '80/tcp': [...to('8080'), ...to('9000')] };
  for (let port = 81; port <= 85; port++) bindings[`${port}/tcp`] = to(`${port + 8920}`);
  assert.deepEqual(short(bindings), ['80-80→8080-8080 tcp', '80-85→9000-9005 tcp']);
});
