/** DNS messages on a TCP connection: each behind its length in two bytes (RFC 1035, 4.2.2). */

/** The message as it is written, in one piece (RFC 7766, 8). */
export function frameMessage(message: Uint8Array): Buffer {
  const framed = Buffer.allocUnsafe(message.length + 2);
  framed.writeUInt16BE(message.length, 0);
  framed.set(message, 2);
  return framed;
}

/** Takes what arrives in pieces and gives whole messages, each with memory of its own. Holds 64 KiB at most, plus a piece. */
export class MessageFrames {
  readonly #onMessage: (message: Buffer) => void;
  #rest: Buffer = Buffer.alloc(0);

  constructor(onMessage: (message: Buffer) => void) {
    this.#onMessage = onMessage;
  }

  push(bytes: Buffer): void {
    let rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    while (rest.length >= 2) {
      const end = 2 + rest.readUInt16BE(0);
      if (rest.length < end) break;
      this.#onMessage(Buffer.from(rest.subarray(2, end)));
      rest = rest.subarray(end);
    }
    this.#rest = Buffer.from(rest);
  }
}
