/** The two command lines that drive a daemon, as functions. */

import { join } from 'node:path';
import { type ExecOptions, ok, type Result, run } from './exec.ts';

export type ClientName = 'docker' | 'bridgeport';

const BRIDGEPORT = join(import.meta.dirname, '../../bin/bridgeport');

/** `await cli('run', '-d', 'web')` is what it printed, and fails when the command does. */
export interface Client {
  (...args: string[]): Promise<string>;
  readonly title: ClientName;
  /** The same, for commands that are expected to fail or to read something. */
  attempt(args: readonly string[], options?: ExecOptions): Promise<Result>;
  /** The words and variables with which others (a terminal, a background process) execute it. */
  readonly command: readonly string[];
  readonly env: Record<string, string | undefined>;
}

/** @param home a folder for the client's own configuration, so that the user's is left alone */
export function createClient(title: ClientName, socket: string, home: string): Client {
  const url = `unix://${socket}`;
  const command = title === 'docker' ? ['docker'] : [BRIDGEPORT];
  const env = {
    ...process.env,
    HOME: home,
    DOCKER_CONFIG: home,
    DOCKER_HOST: title === 'docker' ? url : undefined,
    BRIDGEPORT_HOST: title === 'bridgeport' ? url : undefined,
    DOCKER_CONTEXT: undefined,
  };
  const call = (...args: string[]) => ok([...command, ...args], { env });
  const attempt = (args: readonly string[], options: ExecOptions = {}) =>
    run([...command, ...args], { env, ...options });
  return Object.assign(call, { title, attempt, command, env });
}
