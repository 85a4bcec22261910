/**
 * A process inside a namespace that sends and answers real packets: one JSON order per line on standard input, one JSON answer
 * per line on standard output. Servers answer with the port they listen on and the client's address.
 */

import { createSocket } from 'node:dgram';
import { connect, createServer } from 'node:net';
import { createInterface } from 'node:readline';

export type Order =
  | { readonly do: 'serve'; readonly proto: 'tcp' | 'udp'; readonly address: string; readonly port: number }
  | {
      readonly do: 'ask';
      readonly proto: 'tcp' | 'udp';
      readonly address: string;
      readonly port: number;
      readonly localPort?: number;
      readonly timeoutMs: number;
      /** Keep the connection open, so that its local port stays in use. */
      readonly hold?: boolean;
    };

const answerTo = (port: number, client: string | undefined) => `${port} ${client?.replace('::ffff:', '')}`;

function serve({ proto, address, port }: Order): Promise<string> {
  return new Promise((resolve, reject) => {
    if (proto === 'tcp') {
      const server = createServer((socket) => {
        socket.on('error', () => {});
        socket.write(answerTo(port, socket.remoteAddress));
      });
      server.on('error', reject).listen({ host: address, port }, () => resolve('serving'));
    } else {
      const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
      socket.on('message', (_, from) => socket.send(answerTo(port, from.address), from.port, from.address));
      socket.on('error', reject).bind(port, address, () => resolve('serving'));
    }
  });
}

/** What the server said, or `no answer`, or the error's code. */
function ask(order: Extract<Order, { do: 'ask' }>): Promise<string> {
  const { proto, address, port, localPort, timeoutMs, hold = false } = order;
  return new Promise((resolve) => {
    const local = localPort === undefined ? {} : { localPort };
    if (proto === 'tcp') {
      const socket = connect({ host: address, port, ...local });
      const finish = (answer: string) => {
        clearTimeout(timer);
        if (!hold) socket.destroy();
        resolve(answer);
      };
      const timer = setTimeout(() => finish('no answer'), timeoutMs);
      socket.on('data', (data) => finish(data.toString()));
      socket.on('error', (error: NodeJS.ErrnoException) => finish(error.code ?? error.message));
    } else {
      const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
      const finish = (answer: string) => {
        clearTimeout(timer);
        socket.close();
        resolve(answer);
      };
      const timer = setTimeout(() => finish('no answer'), timeoutMs);
      socket.on('message', (data) => finish(data.toString()));
      socket.on('error', (error: NodeJS.ErrnoException) => finish(error.code ?? error.message));
      socket.bind(localPort ?? 0, () => socket.send('?', port, address));
    }
  });
}

if (import.meta.main) {
  createInterface({ input: process.stdin })
    .on('line', async (line) => {
      const order = JSON.parse(line) as Order;
      const answer = await (order.do === 'serve' ? serve(order) : ask(order)).catch((error) => String(error));
      process.stdout.write(`${JSON.stringify(answer)}\n`);
    })
    .on('close', () => process.exit(0));
}
