/** A command that runs beside the test: what it prints is watched, and it ends with its scope at the latest. */

import { spawn } from 'node:child_process';
import { soon } from './netns.ts';

export interface Background extends AsyncDisposable {
  /** Everything it has printed, to either stream. */
  readonly output: string;
  /** Its exit status, once it has ended. */
  readonly ended: number | undefined;
  see(what: RegExp, milliseconds?: number): Promise<string>;
  end(milliseconds?: number): Promise<number>;
  signal(signal: NodeJS.Signals): void;
  write(text: string): void;
}

export function background(
  command: readonly string[],
  env: Record<string, string | undefined> = process.env,
): Background {
  const [program = '', ...args] = command;
  const child = spawn(program, args, { env });
  let output = '';
  let ended: number | undefined;
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  }
  child.on('error', (error) => {
    output += String(error);
    ended = -1;
  });
  child.once('close', (code) => {
    ended = code ?? -1;
  });
  child.stdin.on('error', () => {});
  const end = (milliseconds = 10_000) =>
    soon(() => {
      if (ended === undefined) throw new Error(`${command.join(' ')} has not ended\n${output}`);
      return ended;
    }, milliseconds);
  return {
    get output() {
      return output;
    },
    get ended() {
      return ended;
    },
    see: (what, milliseconds = 10_000) =>
      soon(() => {
        if (!what.test(output)) throw new Error(`${command.join(' ')} has not printed ${what}\n${output}`);
        return output;
      }, milliseconds),
    end,
    signal: (signal) => {
      child.kill(signal);
    },
    write: (text) => {
      child.stdin.write(text);
    },
    async [Symbol.asyncDispose]() {
      if (ended !== undefined) return;
      child.kill('SIGKILL');
      await end();
    },
  };
}
