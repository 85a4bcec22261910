/** A person at a terminal: types lines into a command that runs on a pseudo-terminal, and reads what it draws. */

import { type ChildProcess, spawn } from 'node:child_process';
import type { Client } from './client.ts';
import { soon } from './netns.ts';

/** What the prompts of the shells that are typed into end with. */
const PROMPT = /[#$] $/;

/** What busybox's shell asks a terminal: where the cursor is (ECMA-48, DSR 6). Nobody answers, and it does not mind. */
const QUESTION = '\u001b[6n';

export class Terminal {
  readonly #child: ChildProcess;
  #screen = '';
  #ended: number | undefined;

  /** @param command words, none of which needs quoting for a shell, but any may hold spaces */
  constructor(command: readonly string[], env: Record<string, string | undefined>) {
    // script(1) makes the terminal; its -c wants one line for a shell.
    const line = command.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
    this.#child = spawn('script', ['-qefc', line, '/dev/null'], {
      env: { ...env, TERM: 'xterm', SHELL: '/bin/sh' },
    });
    this.#child.stdout?.on('data', (chunk: Buffer) => {
      this.#screen = (this.#screen + chunk.toString()).replaceAll(QUESTION, '');
    });
    this.#child.once('close', (code) => {
      this.#ended = code ?? -1;
    });
  }

  static open(cli: Client, ...args: string[]): Terminal {
    return new Terminal([...cli.command, ...args], cli.env);
  }

  /** Everything that was drawn so far. */
  get screen(): string {
    return this.#screen;
  }

  /** Keys as they are; a line ends with `\r`, as the Enter key says it. */
  type(keys: string): void {
    this.#child.stdin?.write(keys);
  }

  /** Waits until something is on the screen. */
  async see(what: RegExp, milliseconds = 10_000): Promise<string> {
    return soon(() => {
      if (!what.test(this.#screen)) throw new Error(`not on the screen: ${what}\n${this.#screen}`);
      return this.#screen;
    }, milliseconds);
  }

  async prompt(): Promise<void> {
    await this.see(PROMPT);
  }

  /** Types a line at the prompt. @returns what came until the next one */
  async line(text: string, milliseconds = 10_000): Promise<string> {
    await this.prompt();
    const from = this.#screen.length;
    this.type(`${text}\r`);
    return soon(() => {
      const answer = this.#screen.slice(from);
      if (!PROMPT.test(answer) || !answer.includes('\n'))
        throw new Error(`no prompt after ${text}\n${answer}`);
      return answer;
    }, milliseconds);
  }

  /** Waits for the command's end. @returns its exit status */
  async end(milliseconds = 10_000): Promise<number> {
    return soon(() => {
      if (this.#ended === undefined) throw new Error(`it has not ended\n${this.#screen}`);
      return this.#ended;
    }, milliseconds);
  }

  close(): void {
    this.#child.kill('SIGKILL');
  }
}
