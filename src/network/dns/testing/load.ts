/**
 * Makes load, as a program of its own inside a namespace: `node load.ts ask …` sends questions at a steady rate, whatever the
 * answers do, and prints what it saw; `node load.ts serve ADDRESS` answers every question after a while, `node load.ts silent ADDRESS`
 * answers none.
 */

import { createSocket } from 'node:dgram';
import { a, answer, decode, query } from './messages.ts';

/** What `ask` prints, as JSON. Times in milliseconds. */
export interface LoadResult {
  sent: number;
  answered: number;
  failed: number;
  p50: number;
  p99: number;
  max: number;
}

const [mode, ...rest] = process.argv.slice(2);
if (mode === 'serve') serve(rest[0] ?? '127.0.0.1', Number(rest[1] ?? 5));
else if (mode === 'silent') silent(rest[0] ?? '127.0.0.1');
else if (mode === 'ask') ask(Number(rest[0] ?? 5000), Number(rest[1] ?? 2), rest[2] ?? 'unique');

/** @param delay milliseconds before each answer, to stand for the way */
function serve(address: string, delay: number): void {
  const socket = createSocket('udp4');
  socket.on('message', (message, from) => {
    const [question] = decode(message).questions;
    const reply = answer(message, { answers: [a(question?.name ?? '', '192.0.2.1')] });
    setTimeout(() => socket.send(reply, from.port, from.address), delay);
  });
  socket.bind(53, address, () => process.stdout.write('ready\n'));
}

function silent(address: string): void {
  createSocket('udp4').bind(53, address, () => process.stdout.write('ready\n'));
}

/**
 * @param rate questions per second
 * @param seconds how long
 * @param kinds with commas between them, in turn: `unique`, a new name each time; `same`, always the same external name; anything else:
 *   that name
 */
function ask(rate: number, seconds: number, kinds: string): void {
  const kindOf = kinds.split(',');
  const sockets = Array.from({ length: 32 }, () => createSocket('udp4'));
  const sentAt = new Map<number, number>();
  const latencies: number[] = [];
  let failed = 0;
  for (const [index, socket] of sockets.entries()) {
    socket.on('message', (message) => {
      const key = index * 65536 + message.readUInt16BE(0);
      const start = sentAt.get(key);
      if (start === undefined) return;
      sentAt.delete(key);
      if (message[3]! & 15) failed++;
      latencies.push(performance.now() - start);
    });
    socket.bind(0, '127.0.0.1');
  }
  const start = performance.now();
  let sent = 0;
  const tick = setInterval(() => {
    const due = Math.min(rate * seconds, Math.floor(((performance.now() - start) / 1000) * rate));
    for (; sent < due; sent++) {
      const index = sent % sockets.length;
      const id = Math.floor(sent / sockets.length) & 0xffff;
      const kind = kindOf[sent % kindOf.length] ?? '';
      const name =
        kind === 'unique' ? `n${sent}-${process.pid}.example` : kind === 'same' ? 'same.example' : kind;
      sentAt.set(index * 65536 + id, performance.now());
      sockets[index]!.send(query(name, { id }), 53, '127.0.0.11');
    }
    if (performance.now() - start < seconds * 1000 + 1000) return;
    clearInterval(tick);
    for (const socket of sockets) socket.close();
    latencies.sort((one, other) => one - other);
    const at = (share: number) =>
      latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? 0;
    const result: LoadResult = {
      sent,
      answered: latencies.length,
      failed,
      p50: at(0.5),
      p99: at(0.99),
      max: at(1),
    };
    process.stdout.write(`${JSON.stringify(result)}\n`);
  }, 1);
}
