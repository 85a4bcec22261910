import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { CaptureLine } from '../../base/wire/index.ts';
import { decodeFrame } from './decode.ts';
import { CAPTURE_FORMATS } from './format.ts';
import { FRAMES } from './frames.testing.ts';

const owners: Record<string, { name: string; network?: string }> = {
  '172.17.0.2': { name: 'web', network: 'bridge' },
  'fd00::2': { name: 'web', network: 'bridge' },
};
const decode = (frame: Buffer) => decodeFrame(frame, (address) => owners[address]);
const MAC = '00:00:00:00:00:00';
const bytes = (hex: string) => Buffer.from(hex.replaceAll(/\s/g, ''), 'hex');

it('`decodeFrame()` tells both ends with their names, and what the headers say', () => {
  assert.deepEqual(decode(FRAMES.request), {
    proto: 'tcp',
    source: { mac: MAC, address: '172.17.0.3', port: 5000 },
    destination: { mac: MAC, address: '172.17.0.2', port: 80, name: 'web', network: 'bridge' },
    ip: { version: 4, ttl: 64 },
    tcp: { flags: [], sequence: 0, acknowledgement: 0, window: 0 },
    payload: 0,
  });
  assert.deepEqual(decode(FRAMES.arp), {
    proto: 'arp',
    source: { mac: MAC, address: '172.17.0.2', name: 'web', network: 'bridge' },
    destination: { mac: MAC, address: '172.17.0.3' },
    arp: { operation: 'request' },
  });
  assert.deepEqual([decode(FRAMES.ping6).proto, decode(FRAMES.ping6).icmp], ['icmpv6', { type: 0, code: 0 }]);
  assert.deepEqual(decode(FRAMES.ping).icmp, {
    type: 0,
    code: 0,
    kind: 'echo reply',
    id: 0,
    sequence: 0,
  });
});

it('`decodeFrame()` reads flags, numbers and the length of the data', () => {
  const frame = Buffer.concat([FRAMES.options, Buffer.from('hello')]);
  frame.writeUInt16BE(frame.length - 14, 16);
  const tcp = 14 + 28;
  frame.writeUInt32BE(0xfffffff0, tcp + 4);
  frame.writeUInt32BE(7, tcp + 8);
  frame.writeUInt8(0x18, tcp + 13);
  frame.writeUInt16BE(502, tcp + 14);
  const { tcp: header, payload } = decode(frame);
  assert.deepEqual(header, {
    flags: ['PSH', 'ACK'],
    sequence: 0xfffffff0,
    acknowledgement: 7,
    window: 502,
  });
  assert.equal(payload, 5);
  // Of what was not kept, the header still tells.
  assert.equal(decode(frame.subarray(0, tcp + 20)).payload, 5);
});

it('later fragments have no ports, extension headers of IPv6 are passed, and what ends too early is left out', () => {
  assert.deepEqual(decode(FRAMES.fragment), {
    proto: 'udp',
    source: { mac: MAC, address: '10.0.0.9' },
    destination: { mac: MAC, address: '172.17.0.2', name: 'web', network: 'bridge' },
    ip: { version: 4, ttl: 64, fragment: { offset: 800, more: false } },
  });
  // Hop-by-hop options before a multicast listener report, and a first fragment of a datagram to port 53.
  const six = (next: string, body: string) =>
    bytes(`333300000016 020000000001 86dd 60000000 ${(body.replaceAll(/\s/g, '').length / 2)
      .toString(16)
      .padStart(4, '0')} ${next} 01
      fd000000000000000000000000000002 ff020000000000000000000000000016 ${body}`);
  const report = decode(six('00', '3a00 0502 0000 0100 8f00 0000 0000 0001'));
  assert.deepEqual(
    [report.proto, report.icmp?.kind, report.source.mac],
    ['icmpv6', 'multicast listener report', '02:00:00:00:00:01'],
  );
  const first = decode(six('2c', '1100 0001 00000007 9c40 0035 0010 0000 6869'));
  assert.deepEqual(
    [first.source.port, first.destination.port, first.ip?.fragment],
    [40_000, 53, { offset: 0, more: true }],
  );
  assert.equal(decode(six('2c', '1100 0009 00000007 9c40 0035 0010 0000')).source.port, undefined);
  assert.deepEqual(decode(FRAMES.request.subarray(0, 36)).tcp, undefined);
  assert.deepEqual(decode(Buffer.alloc(5)), { proto: '0x0000', source: {}, destination: {} });
  assert.equal(decode(bytes('ffffffffffff 020000000001 88cc 0000')).proto, '0x88cc');
});

it('packets are JSON values, a line each, with the interface they were seen on', () => {
  const format = CAPTURE_FORMATS.json((address) => owners[address]);
  assert.deepEqual(format.begin('web', []), []);
  format.interface({ where: 'host', link: 'eth0', snapLength: 256 });
  format.interface({ where: 'web', link: 'eth0', snapLength: 256 });
  const time = 1_700_000_000_123_456_789n;
  const line = format.packet({ interface: 1, time, data: FRAMES.ping, length: 98, direction: 'out' });
  assert.ok(line.toString().endsWith('}\n'));
  const read = JSON.parse(line.toString()) as CaptureLine;
  assert.deepEqual(
    { ...read, ...decode(FRAMES.ping) },
    {
      event: 'packet',
      time: '2023-11-14T22:13:20.123456789Z',
      where: 'web',
      link: 'eth0',
      direction: 'out',
      length: 98,
      ...decode(FRAMES.ping),
    },
  );
  assert.deepEqual(JSON.parse(format.losses({ interface: 0, time, lost: 3, total: 9 }).toString()), {
    event: 'notice',
    time: '2023-11-14T22:13:20.123456789Z',
    what: 'lost',
    packets: 3,
  });
});
