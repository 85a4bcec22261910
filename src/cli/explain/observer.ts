import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { BridgeportError } from '../../base/errors.ts';
import type { CliContext } from '../context.ts';

/**
 * The socket of an engine whose network can be looked at from here.
 *
 * Throws `not-implemented` when nobody can look: the engine may be on another machine, and looking takes root.
 */
export function observableSocket({ client }: CliContext): string {
  const { url, socketPath } = client.endpoint;
  if (socketPath === undefined) {
    throw new BridgeportError(
      'not-implemented',
      `the daemon at ${url} cannot explain its network, and only that of this machine can be looked at from here`,
    );
  }
  if (process.getuid?.() !== 0) {
    throw new BridgeportError(
      'not-implemented',
      `the daemon at ${url} cannot explain its network; to look at it from here takes root`,
    );
  }
  return socketPath;
}

/** Starts a program of `daemon/observer` in a process of its own: this one knows the API and nothing of the kernel. */
export function startObserver(
  program: 'main' | 'page-main',
  ...args: string[]
): ChildProcessByStdio<Writable, Readable, null> {
  const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js';
  const path = fileURLToPath(new URL(`../../daemon/observer/${program}${extension}`, import.meta.url));
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', path, ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin.on('error', () => {}); // it ended before it read everything: its exit tells
  return child;
}
