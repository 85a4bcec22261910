/** What the fake backend remembers: containers are records, a session gives back what it gets. Nothing here runs anything. */

import { notFound } from '../../base/errors.ts';
import type { ContainerCreateBody, Volume } from '../../base/wire/index.ts';
import type { LogRecord, SessionStreams, StreamSession } from '../backend.ts';

export interface FakeContainer {
  id: string;
  name: string;
  body: ContainerCreateBody;
  running: boolean;
  exitCode: number;
  log: LogRecord[];
}

export interface FakeExec {
  id: string;
  container: string;
  tty: boolean;
  cmd: string[];
  exitCode: number | null;
}

/** What the fake remembers, for tests to look at. */
export class FakeEngine {
  readonly containers = new Map<string, FakeContainer>();
  readonly execs = new Map<string, FakeExec>();
  readonly volumes = new Map<string, Volume>();
  /** Every call of the backend: `containers.stop web {"timeout":3}`. */
  readonly calls: Array<{ name: string; args: unknown[] }> = [];
  readonly uploads: Array<{ path: string; bytes: number }> = [];
  /** Attach sessions that run. */
  sessions = 0;
  #waiters: Array<{ id: string; resolve: (code: number) => void }> = [];
  #next = 1;

  add(name: string, body: ContainerCreateBody, running: boolean): FakeContainer {
    const id = (this.#next++).toString(16).padStart(2, '0').repeat(32);
    const container = { id, name, body, running, exitCode: 0, log: [] as LogRecord[] };
    this.containers.set(id, container);
    return container;
  }

  find(ref: string): FakeContainer {
    for (const container of this.containers.values()) {
      if (
        container.id === ref ||
        container.name === ref ||
        (ref.length >= 4 && container.id.startsWith(ref))
      ) {
        return container;
      }
    }
    throw notFound(`No such container: ${ref}`);
  }

  waitFor(id: string): Promise<number> {
    return new Promise((resolve) => this.#waiters.push({ id, resolve }));
  }

  exit(container: FakeContainer, code: number): void {
    container.running = false;
    container.exitCode = code;
    for (const waiter of this.#waiters) if (waiter.id === container.id) waiter.resolve(code);
    this.#waiters = this.#waiters.filter(({ id }) => id !== container.id);
  }

  /** Gives stdin back on stdout, each line starting with `!` on stderr; ends with its input. */
  echo(tty: boolean, ended: () => void): StreamSession {
    return {
      tty,
      run: async ({ stdin, stdout, stderr, signal }: SessionStreams) => {
        if (stdin === undefined) {
          stdout?.write('no stdin\n');
          ended();
          return;
        }
        const gone = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
        const copied = (async () => {
          for await (const chunk of stdin) {
            const target = (chunk as Buffer)[0] === 0x21 ? stderr : stdout;
            if (target !== undefined && !target.write(chunk)) {
              await Promise.race([new Promise((resolve) => target.once('drain', resolve)), gone]);
            }
          }
        })();
        await Promise.race([copied, gone]);
        ended();
      },
    };
  }
}
