/** A name server in a namespace, for root tests: answers over UDP and TCP as it is told. */

import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { createServer, type Server } from 'node:net';
import type { NetnsHandle } from '../../../kernel/netns/index.ts';
import { openTcpListener, openUdpSocket } from '../../../kernel/sockets.ts';
import { frameMessage, MessageFrames } from '../forward/stream.ts';
import { decode } from './messages.ts';

export interface Asked {
  protocol: 'udp' | 'tcp';
  message: Buffer;
  name: string;
  type: number;
  /** The port it was asked from. */
  port: number;
}

/** The answers to send: none keeps silent. A delay in milliseconds goes before a message. */
export type Behaviour = (asked: Asked) => Buffer | Buffer[] | undefined | Promise<Buffer | undefined>;

export class TestNameServer implements Disposable {
  readonly asked: Asked[] = [];
  /** The same for UDP and TCP. */
  readonly port: number;
  behaviour: Behaviour;
  readonly #udp: UdpSocket;
  readonly #tcp: Server;

  /**
   * @param netns `undefined`: this process's own
   * @param port 0: any
   */
  constructor(netns: NetnsHandle | undefined, address: string, behaviour: Behaviour, port = 53) {
    this.behaviour = behaviour;
    const tcp = openTcpListener({ netns, address, port });
    this.port = tcp.port;
    this.#udp = createSocket(address.includes(':') ? 'udp6' : 'udp4');
    this.#udp.bind({ fd: openUdpSocket({ netns, address, port: this.port }).fd });
    this.#udp.on('message', (message, from) => {
      void this.#answer('udp', message, from.port, (answer) =>
        this.#udp.send(answer, from.port, from.address, () => {}),
      );
    });
    this.#tcp = createServer((socket) => {
      const frames = new MessageFrames((message) => {
        void this.#answer('tcp', message, socket.remotePort ?? 0, (answer) =>
          socket.write(frameMessage(answer)),
        );
      });
      socket.on('data', (bytes) => frames.push(bytes));
      socket.on('error', () => socket.destroy());
    });
    this.#tcp.listen({ fd: tcp.fd });
  }

  names(): string[] {
    return this.asked.map(({ name }) => name);
  }

  [Symbol.dispose](): void {
    this.#udp.close();
    this.#tcp.close();
  }

  async #answer(protocol: 'udp' | 'tcp', message: Buffer, port: number, send: (answer: Buffer) => void) {
    const [question] = decode(message).questions;
    const asked = { protocol, message, name: question?.name ?? '', type: question?.type ?? 0, port };
    this.asked.push(asked);
    const answers = await this.behaviour(asked);
    for (const answer of answers === undefined ? [] : [answers].flat()) send(answer);
  }
}
