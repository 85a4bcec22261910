/** A stub resolver in a namespace, for root tests. */

import { createSocket } from 'node:dgram';
import { Socket } from 'node:net';
import { check, libc } from '../../../kernel/ffi/libc.ts';
import { encodeSockaddr } from '../../../kernel/ffi/sockaddr.ts';
import type { NetnsHandle } from '../../../kernel/netns/index.ts';
import { openUdpSocket } from '../../../kernel/sockets.ts';
import { connectTcp } from '../../../kernel/testing/connect.ts';
import { frameMessage, MessageFrames } from '../forward/stream.ts';

export interface AskOptions {
  /** Default 127.0.0.11. */
  address?: string;
  /** Milliseconds. Default 3,000. */
  timeout?: number;
}

/** Sends a message from a connected socket, as libc does, and gives the first answer. */
export async function askUdp(netns: NetnsHandle, message: Buffer, options: AskOptions = {}): Promise<Buffer> {
  const { address = '127.0.0.11', timeout = 3000 } = options;
  const { fd } = openUdpSocket({ netns, address: '0.0.0.0', port: 0 });
  const server = encodeSockaddr({ address, port: 53 });
  // Connected: an answer from any other port than 53 would not arrive.
  check(libc().connect(fd, server, server.length), 'connect');
  const socket = createSocket('udp4');
  socket.bind({ fd });
  try {
    return await new Promise<Buffer>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('no answer')), timeout);
      socket.once('message', (answer) => {
        clearTimeout(timer);
        resolve(answer);
      });
      socket.once('error', reject);
      check(libc().send(fd, message, message.length, 0), 'send');
    });
  } finally {
    socket.close();
  }
}

/** Sends messages on one connection, and gives as many answers, in the order in which they come. */
export async function askTcp(
  netns: NetnsHandle,
  messages: Buffer[],
  options: AskOptions = {},
): Promise<Buffer[]> {
  const { address = '127.0.0.11', timeout = 3000 } = options;
  const socket = new Socket({ fd: connectTcp({ netns, address, port: 53 }) });
  try {
    return await new Promise<Buffer[]>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('no answer')), timeout);
      const answers: Buffer[] = [];
      const frames = new MessageFrames((answer) => {
        if (answers.push(answer) < messages.length) return;
        clearTimeout(timer);
        resolve(answers);
      });
      socket.on('data', (bytes) => frames.push(bytes));
      socket.on('error', reject);
      socket.on('close', () => reject(new Error('the connection ended')));
      socket.write(Buffer.concat(messages.map(frameMessage)));
    });
  } finally {
    socket.removeAllListeners('close');
    socket.destroy();
  }
}
