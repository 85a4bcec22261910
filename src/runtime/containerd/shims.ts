/**
 * The shims of containerd, one for each task. They are processes of their own; one that containerd has lost sight of is found by
 * its command line: `containerd-shim-runc-v2 -namespace NAMESPACE -id ID -address SOCKET` (containerd 1.6, runtime/v2/shim).
 */

import { readdir } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Shim } from './api.ts';
import { argumentsOf, isRunning } from './process-table.ts';

const PROGRAM = 'containerd-shim-runc-v2';

/** Those of this machine whose containerd listens on `address`, in its namespace `namespace`. */
export async function listShims(address: string, namespace: string): Promise<Shim[]> {
  const pids = (await readdir('/proc')).map(Number).filter(Number.isInteger);
  const found = await Promise.all(pids.map((pid) => shimOf(pid, address, namespace)));
  return found.filter((shim) => shim !== undefined);
}

async function shimOf(pid: number, address: string, namespace: string): Promise<Shim | undefined> {
  const [program = '', ...flags] = await argumentsOf(pid);
  if (basename(program) !== PROGRAM) return undefined;
  const after = (flag: string) => flags[flags.indexOf(flag) + 1];
  const id = after('-id');
  if (after('-address') !== address || after('-namespace') !== namespace || id === undefined)
    return undefined;
  return (await isRunning(pid)) ? { pid, containerId: id } : undefined;
}
