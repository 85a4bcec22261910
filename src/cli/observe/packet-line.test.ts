import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CapturedPacket } from '../../base/wire/capture.ts';
import { packetLine } from './packet-line.ts';

const PACKET: CapturedPacket = {
  event: 'packet',
  time: '2026-11-28T01:08:55.194120999Z',
  where: 'host',
  link: 'eth0',
  direction: 'in',
  length: 74,
  proto: 'tcp',
  source: { mac: '02:00:00:00:00:01', address: 'fd00::3', port: 5000 },
  destination: { mac: '02:00:00:00:00:02', address: '172.17.0.2', port: 80, name: 'web', network: 'bridge' },
  ip: { version: 4, ttl: 64 },
};
/** Behind the time, which is that of the place. */
const line = (changes: Partial<CapturedPacket>) => packetLine({ ...PACKET, ...changes }).slice(16);

test('`packetLine()` tells where, who to whom, and what', () => {
  const tcp = { flags: ['SYN', 'ACK'] as const, sequence: 1, acknowledgement: 2, window: 3 };
  assert.match(packetLine(PACKET), /^\d\d:08:55\.194120 host:eth0 </);
  assert.equal(
    line({ tcp: { ...tcp, flags: [...tcp.flags] } }),
    'host:eth0 < [fd00::3]:5000 → web 172.17.0.2:80 tcp [S.], 74 bytes',
  );
  const { port: _, ...asked } = PACKET.destination;
  const sender = { mac: '02:00:00:00:00:01', address: '172.17.0.3', name: 'cl' };
  const ends = { source: sender, destination: asked };
  assert.equal(
    line({ ...ends, direction: 'out', proto: 'icmp', icmp: { type: 8, code: 0, kind: 'echo request' } }),
    'host:eth0 > cl 172.17.0.3 → web 172.17.0.2 icmp echo request, 74 bytes',
  );
  assert.match(line({ ...ends, proto: 'icmp', icmp: { type: 40, code: 0 } }), / icmp type 40, 74 bytes$/);
  const { ip: _ip, ...noIp } = { ...PACKET, ...ends };
  const other = (changes: Partial<CapturedPacket>) => packetLine({ ...noIp, ...changes }).slice(28);
  assert.equal(
    other({ proto: 'arp', arp: { operation: 'request' } }),
    'who has 172.17.0.2? tell cl 172.17.0.3 arp request, 74 bytes',
  );
  assert.equal(
    other({ proto: 'arp', arp: { operation: 'reply' } }),
    'cl 172.17.0.3 is at 02:00:00:00:00:01 arp reply, 74 bytes',
  );
  assert.equal(
    other({ proto: '0x88cc', source: { mac: 'a' }, destination: { mac: 'b' } }),
    'a → b ethertype 0x88cc, 74 bytes',
  );
  assert.match(
    line({ ip: { version: 4, ttl: 1, fragment: { offset: 800, more: false } } }),
    / tcp fragment, /,
  );
  assert.match(line({ proto: '253' }), / protocol 253, /);
});
