import type { Readable, Writable } from 'node:stream';
import type { ApiClient } from './client/client.ts';
import type { DockerConfig } from './client/docker-config.ts';

/** The streams of the process, so that tests can hand in their own. */
export interface Io {
  stdin: Readable & { isTTY?: boolean; setRawMode?: (on: boolean) => unknown };
  stdout: Writable & { isTTY?: boolean; columns?: number; rows?: number };
  stderr: Writable & { isTTY?: boolean; columns?: number };
}

/** What every command is given. */
export interface CliContext {
  io: Io;
  env: Readonly<Record<string, string | undefined>>;
  cwd: string;
  client: ApiClient;
  /** `~/.docker/config.json`, read when first asked for. */
  config: () => DockerConfig;
  /** The present time in milliseconds since 1970. */
  now: () => number;
  /** Writes to stdout. */
  out: (text: string) => void;
  /** Writes to stderr. */
  err: (text: string) => void;
}

/** Columns of the terminal behind stdout, or 80. */
export function columnsOf(io: Io): number {
  return io.stdout.columns || 80;
}
