/** What comes in on a connection that Node's HTTP server has handed over, behind the headers of its request. */

import type { IncomingMessage } from 'node:http';
import { type Duplex, Readable } from 'node:stream';
import { collect } from './body.ts';
import { ChunkedDecoder } from './chunked.ts';

/** What the client has sent behind its headers, split into a body (if it announced one) and the rest. */
export class RawInput {
  readonly #socket: Duplex;
  readonly #request: IncomingMessage;
  #bodyTaken = false;

  constructor(request: IncomingMessage, socket: Duplex, head: Buffer) {
    this.#request = request;
    this.#socket = socket;
    if (head.length > 0) socket.unshift(head);
  }

  get #chunked(): boolean {
    return /\bchunked\b/i.test(this.#request.headers['transfer-encoding'] ?? '');
  }

  get #length(): number {
    return Number(this.#request.headers['content-length'] ?? 0);
  }

  /** Reads the announced body; what follows stays in the socket. */
  async body(): Promise<Buffer> {
    this.#bodyTaken = true;
    if (/100-continue/i.test(this.#request.headers.expect ?? ''))
      this.#socket.write('HTTP/1.1 100 Continue\r\n\r\n');
    if (this.#chunked) return collect(this.#decoded());
    return this.#length > 0 ? collect(this.#taken(this.#length)) : Buffer.alloc(0);
  }

  /**
   * What is still to come, as the container's stdin. A body that was announced by its length and not read is no input
   * (dockerode sends its options in one). Chunks are input when there was no upgrade: a client cannot say otherwise
   * that input is coming.
   */
  stdin(upgraded: boolean): Readable {
    if (this.#bodyTaken) return this.#taken(Number.POSITIVE_INFINITY);
    if (this.#chunked) return upgraded ? this.#withoutLastChunk() : this.#decoded();
    return this.#skipping(this.#length);
  }

  /** The next `limit` bytes as a stream, with the socket's own back-pressure. */
  #taken(limit: number): Readable {
    let left = limit;
    return this.#readable((chunk) => {
      const part = chunk.length > left ? chunk.subarray(0, left) : chunk;
      left -= part.length;
      return { parts: [part], ...(left === 0 ? { rest: chunk.subarray(part.length) } : {}) };
    });
  }

  #skipping(count: number): Readable {
    let left = count;
    return this.#readable((chunk) => {
      const part = chunk.subarray(left);
      left -= Math.min(left, chunk.length);
      return { parts: [part] };
    });
  }

  #decoded(): Readable {
    const decoder = new ChunkedDecoder();
    return this.#readable((chunk) => {
      const parts = decoder.feed(chunk);
      return { parts, ...(decoder.done ? { rest: decoder.rest } : {}) };
    });
  }

  /** Node's own client closes its (empty) chunked body with a last chunk even when it upgrades. */
  #withoutLastChunk(): Readable {
    const last = Buffer.from('0\r\n\r\n');
    let first = true;
    return this.#readable((chunk) => {
      const skip = first && chunk.subarray(0, last.length).equals(last);
      first = false;
      return { parts: [skip ? chunk.subarray(last.length) : chunk] };
    });
  }

  /**
   * A readable over the socket. `take` gets each piece and says what of it belongs to the stream; with a `rest` (which
   * goes back into the socket) the stream is complete.
   */
  #readable(take: (chunk: Buffer) => { parts: Buffer[]; rest?: Buffer }): Readable {
    const socket = this.#socket;
    const stop = () => {
      socket.off('data', onData).off('end', onEnd).off('close', onEnd);
      socket.pause();
    };
    const readable = new Readable({
      read: () => {
        if (!readable.readableEnded) socket.resume();
      },
      destroy: (error, callback) => {
        stop();
        // whatever else comes is read and forgotten, so that the end of the connection is noticed
        socket.resume();
        callback(error);
      },
      autoDestroy: false,
    });
    const onEnd = () => {
      stop();
      readable.push(null);
    };
    const onData = (chunk: Buffer) => {
      try {
        const { parts, rest } = take(chunk);
        let room = true;
        for (const part of parts) if (part.length > 0) room = readable.push(part) && room;
        if (rest !== undefined) {
          onEnd();
          if (rest.length > 0) socket.unshift(rest);
        } else if (!room) {
          socket.pause();
        }
      } catch (error) {
        readable.destroy(error instanceof Error ? error : new Error(String(error)));
      }
    };
    socket.on('data', onData).on('end', onEnd).on('close', onEnd);
    if (socket.readableEnded || socket.destroyed) onEnd();
    return readable;
  }
}
