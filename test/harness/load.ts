/** Many short connections, made inside a network namespace by a program of its own (`load-main.ts`). */

import { join } from 'node:path';
import type { Netns } from './netns.ts';

export interface LoadOptions {
  port: number;
  /** How many connections in all, or for how many seconds new ones are made. */
  count?: number;
  seconds?: number;
  /** Default 127.0.0.1. */
  host?: string;
  /** Addresses to come from, in turn: each has ports of its own, so that the visitor's never run out. Default 50 of 127.0.1.0/24. */
  sources?: readonly string[];
  /** How many at the same time. */
  concurrency: number;
}

export interface LoadResult {
  /** Connections that were made and answered. */
  made: number;
  /** The others, counted by what went wrong. */
  failed: Record<string, number>;
  seconds: number;
}

/** Opens connections, asks for a page, and closes first. */
export async function shortConnections(where: Netns, options: LoadOptions): Promise<LoadResult> {
  const program = join(import.meta.dirname, 'load-main.ts');
  const { code, stdout, stderr } = await where.run(
    [process.execPath, '--disable-warning=ExperimentalWarning', program, JSON.stringify(options)],
    { timeout: 110_000 },
  );
  if (code !== 0) throw new Error(`the load generator ended with ${code}: ${stderr}`);
  return JSON.parse(stdout) as LoadResult;
}
