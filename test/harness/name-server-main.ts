/** The program behind `nameServer()`: its address and names as JSON in its argument; prints every name that it is asked for. */

import { createSocket } from 'node:dgram';
import type { NameServerOptions } from './name-server.ts';

/** RFC 1035, 4.1: a header has 12 bytes; the answer's first flag says that it is one. RFC 6895, 2.3: no such name. */
const HEADER = 12;
const RESPONSE = 0x8000;
const RECURSION = 0x0180;
const NXDOMAIN = 3;
/** A name that is the one at offset 12, type A, class IN, 60 seconds, 4 bytes. */
const RECORD = Buffer.from('c00c000100010000003c0004', 'hex');
const TYPE_A = 1;

const { address, names } = JSON.parse(process.argv[2] ?? '') as NameServerOptions;
const socket = createSocket('udp4');
socket.on('message', (message, from) => {
  const labels: string[] = [];
  let at = HEADER;
  for (let length = message[at] ?? 0; length > 0; length = message[at] ?? 0) {
    labels.push(message.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  const name = labels.join('.').toLowerCase();
  process.stdout.write(`${name}\n`);
  const found = names[name];
  const record =
    found !== undefined && message.readUInt16BE(at + 1) === TYPE_A
      ? [RECORD, Buffer.from(found.split('.').map(Number))]
      : [];
  const answer = Buffer.concat([message.subarray(0, at + 5), ...record]);
  answer.writeUInt16BE(RESPONSE | RECURSION | (found === undefined ? NXDOMAIN : 0), 2);
  answer.writeUInt16BE(record.length > 0 ? 1 : 0, 6);
  answer.writeUInt16BE(0, 8);
  answer.writeUInt16BE(0, 10);
  socket.send(answer, from.port, from.address);
});
socket.bind(53, address, () => process.stdout.write('ready\n'));
