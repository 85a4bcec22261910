/** Programs that scenarios execute: their output as text, with a time limit, never through a shell. */

import { spawn } from 'node:child_process';

export interface Result {
  /** Exit status; 128 + n when signal n ended it, -1 when the time was over. */
  code: number;
  stdout: string;
  stderr: string;
}

export interface ExecOptions {
  /** Written to standard input, which is then closed; default: standard input is empty. */
  input?: string | Buffer;
  /** Milliseconds; default 30,000. The program is killed when they are over. */
  timeout?: number;
  env?: Record<string, string | undefined>;
}

const SIGNALS: Readonly<Record<string, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGKILL: 9,
  SIGPIPE: 13,
  SIGTERM: 15,
};

/** Runs a program to its end; never rejects because of an exit status. */
export function run(command: readonly string[], options: ExecOptions = {}): Promise<Result> {
  const [program = '', ...args] = command;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env: options.env ?? process.env });
    const output: Record<'stdout' | 'stderr', Buffer[]> = { stdout: [], stderr: [] };
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      child.kill('SIGKILL');
    }, options.timeout ?? 30_000);
    child.stdout.on('data', (chunk: Buffer) => output.stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => output.stderr.push(chunk));
    child.once('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      resolve({
        code: late ? -1 : (code ?? 128 + (SIGNALS[signal ?? ''] ?? 0)),
        stdout: Buffer.concat(output.stdout).toString(),
        stderr: Buffer.concat(output.stderr).toString(),
      });
    });
    child.stdin.on('error', () => {}); // the program did not want all of it
    child.stdin.end(options.input ?? '');
  });
}

/** Runs a program that has to succeed. @returns its standard output without the white space at its end */
export async function ok(command: readonly string[], options: ExecOptions = {}): Promise<string> {
  const result = await run(command, options);
  if (result.code !== 0) {
    throw new Error(
      `${command.join(' ')}: exit status ${result.code}\n${result.stderr.trimEnd()}\n${result.stdout.trimEnd()}`,
    );
  }
  return result.stdout.trimEnd();
}
