import { spawnSync } from 'node:child_process';
import type { Io } from '../context.ts';

/**
 * Puts the terminal behind stdin into raw mode, so that every key goes to the container and its own terminal does the
 * editing. Returns the way back, which may be called more than once.
 */
export function rawTerminal(io: Io): () => void {
  if (!io.stdin.isTTY || io.stdin.setRawMode === undefined) return () => {};
  const { stdin } = io;
  stdin.setRawMode!(true);
  // Node's raw mode turns output processing ON (ONLCR), and full-screen programs inside would see their bare line
  // feeds turned into new lines. Nothing in Node can clear OPOST, stty(1) can; without it, simple programs still work.
  spawnSync('stty', ['-opost'], { stdio: [0, 'ignore', 'ignore'] });
  let raw = true;
  return () => {
    if (!raw) return;
    raw = false;
    stdin.setRawMode!(false);
  };
}

/** Refuses `-t` with an input that is not a terminal, in the words of the `docker` command line. */
export function checkTty(io: Io, attachStdin: boolean, tty: boolean): void {
  if (attachStdin && tty && !io.stdin.isTTY) throw new Error('the input device is not a TTY');
}
