/**
 * The daemon's ends of a process's standard streams: FIFOs that the shim opens by path. The shim keeps both ends of the output FIFOs
 * open, so output waits in the kernel while no daemon runs, and a new daemon goes on reading where the last one stopped.
 */

import { closeSync, constants, existsSync, mkdirSync, openSync, readSync, rmSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import type { HostSystem } from '../host-system.ts';
import type { OutputStream } from './hub.ts';

export interface ProcessIoOptions {
  /** A folder of its own; the caller made sure that no other process uses it. */
  folder: string;
  terminal: boolean;
  stdin: boolean;
  /** Called for every piece of output; false pauses that stream until `resume()`. */
  onOutput: (stream: OutputStream, chunk: Buffer) => boolean;
}

export class ProcessIo {
  readonly paths: { stdin: string | undefined; stdout: string; stderr: string | undefined };
  readonly #readers: Socket[] = [];
  readonly #keepers: number[] = [];
  #stdin: Socket | undefined;
  /** Resolves when all output has been read: the shim has closed its ends and the FIFOs are empty. */
  readonly drained: Promise<void>;

  private constructor(options: ProcessIoOptions, isNew: boolean) {
    const { folder, terminal, stdin, onOutput } = options;
    this.paths = {
      stdin: stdin ? join(folder, 'stdin') : undefined,
      stdout: join(folder, 'stdout'),
      stderr: terminal ? undefined : join(folder, 'stderr'),
    };
    const ends: Array<Promise<void>> = [];
    const read = (stream: OutputStream, path: string) => {
      // A reader of a FIFO without writers reads end-of-file; until the shim has opened its end, we are a writer ourselves.
      if (isNew) this.#keepers.push(openSync(path, constants.O_RDWR | constants.O_NONBLOCK));
      const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
      const socket = new Socket({ fd, readable: true, writable: false });
      const { promise, resolve } = Promise.withResolvers<void>();
      socket.on('data', (chunk: Buffer) => {
        if (!onOutput(stream, chunk)) socket.pause();
      });
      socket.on('error', () => resolve());
      socket.on('close', () => resolve());
      socket.on('end', () => socket.destroy());
      this.#readers.push(socket);
      ends.push(promise);
    };
    read('stdout', this.paths.stdout);
    if (this.paths.stderr !== undefined) read('stderr', this.paths.stderr);
    if (this.paths.stdin !== undefined) {
      // O_RDWR so that opening does not need a reader and writing never raises EPIPE between two shims.
      const fd = openSync(this.paths.stdin, constants.O_RDWR | constants.O_NONBLOCK);
      this.#stdin = new Socket({ fd, readable: false, writable: true });
      this.#stdin.on('error', () => {});
    }
    this.drained = Promise.all(ends).then(() => {});
  }

  /** Makes the FIFOs and opens our ends, before the shim exists. */
  static create(options: ProcessIoOptions, host: HostSystem): ProcessIo {
    mkdirSync(options.folder, { recursive: true, mode: 0o700 });
    const names = ['stdout', ...(options.terminal ? [] : ['stderr']), ...(options.stdin ? ['stdin'] : [])];
    for (const name of names) {
      // A FIFO of an earlier run may hold bytes that nobody read.
      rmSync(join(options.folder, name), { force: true });
      host.makeFifo(join(options.folder, name));
    }
    return new ProcessIo(options, true);
  }

  /** What still waits in the FIFOs of a process that has ended, `onOutput` aside: nobody writes any more. */
  static readRest(options: Omit<ProcessIoOptions, 'stdin'>): void {
    for (const stream of options.terminal ? (['stdout'] as const) : (['stdout', 'stderr'] as const)) {
      let fd: number;
      try {
        fd = openSync(join(options.folder, stream), constants.O_RDONLY | constants.O_NONBLOCK);
      } catch {
        continue;
      }
      try {
        const block = Buffer.allocUnsafe(64 * 1024);
        for (let size = readSync(fd, block); size > 0; size = readSync(fd, block)) {
          options.onOutput(stream, Buffer.from(block.subarray(0, size)));
        }
      } catch (error) {
        // EAGAIN: it is empty, and somebody still has it open.
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      } finally {
        closeSync(fd);
      }
    }
  }

  /** Opens the FIFOs of a process that an earlier daemon started; undefined when they are gone. */
  static adopt(options: ProcessIoOptions): ProcessIo | undefined {
    return existsSync(join(options.folder, 'stdout')) ? new ProcessIo(options, false) : undefined;
  }

  /** To be called when the shim has opened its ends: from now on its closing is the end of the output. */
  connected(): void {
    for (const fd of this.#keepers.splice(0)) closeSync(fd);
  }

  resume(): void {
    for (const reader of this.#readers) reader.resume();
  }

  /** All FIFOs there are. */
  get fifos(): string[] {
    return Object.values(this.paths).filter((path) => path !== undefined);
  }

  /** The way to the process's standard input; undefined when it has none or it was closed. */
  get stdin(): Socket | undefined {
    return this.#stdin?.destroyed === false && this.#stdin.writable ? this.#stdin : undefined;
  }

  /** Sends what was written, then closes our end; the shim's end is closed by the caller (`closeStdin`). */
  async endStdin(): Promise<void> {
    const stdin = this.#stdin;
    if (stdin === undefined || stdin.destroyed) return;
    this.#stdin = undefined;
    await new Promise<void>((resolve) => {
      stdin.once('close', () => resolve());
      stdin.end(() => stdin.destroy());
    });
  }

  /** Closes everything and removes the FIFOs; output that was not read is lost. */
  destroy(): void {
    this.connected();
    for (const reader of this.#readers) reader.destroy();
    this.#stdin?.destroy();
    for (const path of Object.values(this.paths)) if (path !== undefined) rmSync(path, { force: true });
  }
}
