/** HTTP requests at a constant rate, whether or not answers come (an open loop), and how long each answer took. */

import { join } from 'node:path';
import type { Netns } from '../../test/harness/netns.ts';
import { APART } from '../sides/servers.ts';

export interface ConstantRateOptions {
  host: string;
  port: number;
  /** Requests per second. */
  rate: number;
  seconds: number;
  /** How many requests leave at once, each on a connection of its own; default 1, which spaces them evenly. */
  together?: number;
  /** Requests take turns on them; one that is not answered yet does not keep the next from being sent. */
  connections: number;
}

export interface ConstantRateResult {
  sent: number;
  answered: number;
  /** Milliseconds from a request to its answer. */
  p50: number;
  p99: number;
  p999: number;
}

/** Runs the load inside a network namespace, by a program of its own (`constant-rate-main.ts`). */
export async function constantRate(where: Netns, options: ConstantRateOptions): Promise<ConstantRateResult> {
  const program = join(import.meta.dirname, 'constant-rate-main.ts');
  return JSON.parse(
    await where.ok(...APART, process.execPath, program, JSON.stringify(options)),
  ) as ConstantRateResult;
}
