/** What scenarios ask about a container again and again. */

import { readFileSync } from 'node:fs';
import type { Client } from './client.ts';
import { ok } from './exec.ts';

/** The value of a `--format` template, which every command line shows in the same way. */
export function inspect(cli: Client, name: string, template: string): Promise<string> {
  return cli('inspect', '--format', template, name);
}

/** Its first process, as the host numbers it. */
export async function pidOf(cli: Client, name: string): Promise<number> {
  return Number(await inspect(cli, name, '{{.State.Pid}}'));
}

/** Its address on the default bridge. */
export function addressOf(cli: Client, name: string): Promise<string> {
  return inspect(cli, name, '{{.NetworkSettings.IPAddress}}');
}

/** Runs a program of the host's in a container's network namespace. */
export function inNetworkOf(pid: number, ...command: string[]): Promise<string> {
  return ok(['nsenter', `--net=/proc/${pid}/ns/net`, '--', ...command]);
}

/**
 * What a process's cgroup says in a file: cgroup v1's in the hierarchy of `controller`, or cgroup v2's.
 *
 * /proc/PID/cgroup has a line `number:controllers:path` per hierarchy; v2's has no controllers (cgroups(7)).
 */
export function cgroupFile(pid: number, controller: string, v1: string, v2: string): string {
  const lines = readFileSync(`/proc/${pid}/cgroup`, 'utf8').trim().split('\n');
  for (const line of lines) {
    const [, controllers = '', path = ''] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (controllers.split(',').includes(controller)) {
      return readFileSync(`/sys/fs/cgroup/${controller}${path}/${v1}`, 'utf8').trim();
    }
  }
  const path = lines.find((line) => line.startsWith('0::'))?.slice(3) ?? '';
  return readFileSync(`/sys/fs/cgroup${path}/${v2}`, 'utf8').trim();
}

/** Docker 20.10's command line writes `:::8080` where newer ones write `[::]:8080`. */
export function withBrackets(ports: string): string {
  return ports.replace(/(^| ):::/gm, '$1[::]:');
}
