/** A name server on another machine: what it is told it answers, and of everything else it says that there is no such name. */

import { join } from 'node:path';
import { type Background, background } from './background.ts';
import type { Netns } from './netns.ts';

export interface NameServerOptions {
  /** IPv4 address to answer at, on port 53. */
  address: string;
  /** IPv4 addresses of names. */
  names: Record<string, string>;
}

/** Its output has a line for every name that it was asked for. */
export async function nameServer(where: Netns, options: NameServerOptions): Promise<Background> {
  const program = join(import.meta.dirname, 'name-server-main.ts');
  const server = background([
    ...where.enter,
    ...[process.execPath, '--disable-warning=ExperimentalWarning', program, JSON.stringify(options)],
  ]);
  await server.see(/ready/);
  return server;
}
