/**
 * One direction of a TCP connection: bytes from one socket to the other, with back-pressure.
 *
 * Two ways, chosen by what flows. Small messages are copied through one buffer that all relays share (recv(2), send(2)):
 * fewer and cheaper calls than splicing, and no pipe. When a read fills that buffer the flow is bulk, and splice(2) moves
 * pages through a pipe instead, until the flow thins out. What the sink does not take waits in the pipe or, copied, in
 * `rest`; nothing more is read until it is gone, so a slow reader slows its sender down.
 */
import type { Pipe, PipePool } from '../kernel/epoll/pipe.ts';
import { lastErrno, libc } from '../kernel/ffi/libc.ts';

const EAGAIN = 11;
/** `MSG_DONTWAIT` and `MSG_NOSIGNAL` of `<sys/socket.h>`. */
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
/** `SPLICE_F_MOVE | SPLICE_F_NONBLOCK` of `<fcntl.h>`. */
const SPLICE_FLAGS = 1 | 2;
/** A splice that brings less than this ends bulk mode. */
const BULK_LEAST = 16 << 10;
/** Bytes moved before other connections get their turn; level-triggered epoll brings us back. */
const TURN = 1 << 20;

/** What relays share. */
export interface RelayTools {
  pipes: PipePool;
  /** For copying; holds nothing between two calls. */
  scratch: Buffer;
}

export class Relay {
  readonly #source: number;
  readonly #sink: number;
  readonly #tools: RelayTools;
  readonly #libc = libc();
  #pipe: Pipe | undefined;
  /** What the sink did not take, in memory of its own, and how much of it the sink has taken since. */
  #rest: Buffer | undefined;
  #restTaken = 0;
  /** The source has sent its FIN. Bytes may still wait for the sink. */
  ended = false;
  /** The sink takes nothing more for now. */
  blocked = false;
  /** Bytes taken by the sink. */
  moved = 0;
  /** errno of what broke the connection; 0 while it is whole. */
  failure = 0;

  constructor(source: number, sink: number, tools: RelayTools) {
    this.#source = source;
    this.#sink = sink;
    this.#tools = tools;
  }

  /** The source has ended and the sink has everything. */
  get drained(): boolean {
    return this.ended && !this.blocked;
  }

  /** Puts `bytes` before everything that the source sends; they go out with the next `pump()`. */
  begin(bytes: Buffer): void {
    this.#keep(bytes, 0, bytes.length);
    this.blocked = true;
  }

  /** Moves what can be moved now. Afterwards `ended`, `blocked` and `failure` tell how it stands. */
  pump(): void {
    const limit = this.moved + TURN;
    this.blocked = false;
    while (this.moved < limit) {
      if (!this.#flush() || this.ended) return;
      if (!(this.#pipe === undefined ? this.#copy() : this.#splice(this.#pipe))) return;
    }
  }

  /** Gives back what it holds; the sockets are the connection's to close. */
  release(): void {
    if (this.#pipe !== undefined) this.#tools.pipes.give(this.#pipe);
    this.#pipe = undefined;
    this.#dropRest();
  }

  /** Sends what waits. False when some of it still does, or the sink failed. */
  #flush(): boolean {
    if (this.#pipe !== undefined && this.#pipe.buffered > 0) return this.#spliceOut(this.#pipe);
    return this.#rest === undefined || this.#sendRest(this.#rest);
  }

  /** One read and write through the shared buffer. False when there is no more to do now. */
  #copy(): boolean {
    const { scratch, pipes } = this.#tools;
    const length = this.#libc.recv(this.#source, scratch, scratch.length, MSG_DONTWAIT);
    if (!this.#received(length)) return false;
    if (!this.#send(scratch, length)) return false;
    if (length < scratch.length) return false;
    this.#pipe = pipes.take();
    return true;
  }

  #splice(pipe: Pipe): boolean {
    const { portion } = this.#tools.pipes;
    const length = this.#libc.splice(this.#source, null, pipe.writeFd, null, portion, SPLICE_FLAGS);
    if (!this.#received(length)) {
      this.release();
      return false;
    }
    pipe.buffered = length;
    if (!this.#spliceOut(pipe)) return false;
    if (length < BULK_LEAST) {
      this.release();
      return false;
    }
    return true;
  }

  /** Judges the result of a read; true when bytes came. */
  #received(length: number): boolean {
    if (length > 0) return true;
    if (length === 0) {
      this.ended = true;
      return false;
    }
    const errno = lastErrno();
    if (errno !== EAGAIN) this.failure = errno;
    return false;
  }

  #spliceOut(pipe: Pipe): boolean {
    while (pipe.buffered > 0) {
      const length = this.#libc.splice(pipe.readFd, null, this.#sink, null, pipe.buffered, SPLICE_FLAGS);
      if (length < 0) {
        this.#refused(lastErrno());
        return false;
      }
      pipe.buffered -= length;
      this.moved += length;
    }
    return true;
  }

  /** False when the sink has failed, or has not taken all: then the others are kept. */
  #send(bytes: Buffer, length: number): boolean {
    const sent = this.#libc.send(this.#sink, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent === length) {
      this.moved += sent;
      return true;
    }
    if (sent < 0) {
      this.#refused(lastErrno());
      if (this.failure !== 0) return false;
    } else {
      this.moved += sent;
      this.blocked = true;
    }
    this.#keep(bytes, Math.max(sent, 0), length);
    return false;
  }

  #sendRest(rest: Buffer): boolean {
    const bytes = this.#restTaken === 0 ? rest : rest.subarray(this.#restTaken);
    const sent = this.#libc.send(this.#sink, bytes, bytes.length, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0) {
      this.#refused(lastErrno());
      return false;
    }
    this.moved += sent;
    this.#restTaken += sent;
    if (sent < bytes.length) {
      this.blocked = true;
      return false;
    }
    this.#dropRest();
    return true;
  }

  #keep(bytes: Buffer, start: number, end: number): void {
    this.#rest = Buffer.allocUnsafeSlow(end - start);
    this.#restTaken = 0;
    bytes.copy(this.#rest, 0, start, end);
  }

  /**
   * Gives its memory back at once, as `transfer()` does with what it does not carry over. The garbage collector, who sees a few
   * small objects only, would let 64 MB of such buffers gather first.
   */
  #dropRest(): void {
    (this.#rest?.buffer as ArrayBuffer | undefined)?.transfer(0);
    this.#rest = undefined;
  }

  #refused(errno: number): void {
    if (errno === EAGAIN) this.blocked = true;
    else this.failure = errno;
  }
}
