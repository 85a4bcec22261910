/** Hands a container's output to everybody who is attached at the moment. */

export type OutputStream = 'stdout' | 'stderr';

/** A client that lets this much wait makes the container wait, as with a terminal that is not read. Bytes. */
const HIGH_WATER = 1024 * 1024;

/** The part of a Writable that is needed. */
export interface OutputTarget {
  readonly destroyed: boolean;
  readonly writableEnded: boolean;
  readonly writableLength: number;
  write(chunk: Buffer): boolean;
  on?(event: 'drain' | 'close', listener: () => void): unknown;
  off?(event: 'drain' | 'close', listener: () => void): unknown;
}

export interface OutputSink {
  readonly stdout?: OutputTarget | undefined;
  readonly stderr?: OutputTarget | undefined;
  /** Called once when no more output will come. */
  ended(): void;
}

export class OutputHub {
  readonly #sinks = new Set<OutputSink>();
  #resume: (() => void) | undefined;
  #congested = 0;

  /** Gives the function that takes the sink away again. */
  attach(sink: OutputSink): () => void {
    this.#sinks.add(sink);
    return () => {
      this.#sinks.delete(sink);
    };
  }

  get hasSinks(): boolean {
    return this.#sinks.size > 0;
  }

  /** False: the source should pause until `onDrain`. */
  write(stream: OutputStream, chunk: Buffer): boolean {
    for (const sink of this.#sinks) {
      const target = stream === 'stdout' ? sink.stdout : sink.stderr;
      if (target === undefined || target.destroyed || target.writableEnded) continue;
      target.write(chunk);
      if (target.writableLength > HIGH_WATER) this.#waitFor(target);
    }
    return this.#congested === 0;
  }

  onDrain(resume: () => void): void {
    this.#resume = resume;
  }

  end(): void {
    const sinks = [...this.#sinks];
    this.#sinks.clear();
    for (const sink of sinks) sink.ended();
  }

  #waitFor(target: OutputTarget): void {
    this.#congested++;
    const done = () => {
      target.off?.('drain', done);
      target.off?.('close', done);
      this.#congested--;
      if (this.#congested === 0) this.#resume?.();
    };
    target.on?.('drain', done);
    target.on?.('close', done);
  }
}
