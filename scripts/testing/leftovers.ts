/**
 * Finds what tests left behind. The runner has namespaces of its own (see `scripts/test`), so every process, mount,
 * link and rule that is there and was not there at the beginning is a test's.
 */

import { execFileSync } from 'node:child_process';
import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** How long things that are on their way out may take, in milliseconds. */
const PATIENCE = 5_000;

/** What is there, as sentences for people; the same thing is always the same sentence. */
export type Snapshot = ReadonlySet<string>;

export async function snapshot(): Promise<Snapshot> {
  return new Set([
    ...processes(),
    ...mounts(),
    ...namespaces(),
    ...links(),
    ...rules(),
    ...cgroups(),
    ...files(),
  ]);
}

/** What is there now and was not before, in sentences. */
export async function findLeftovers(before: Snapshot): Promise<string[]> {
  for (const until = performance.now() + PATIENCE; ; await sleep(250)) {
    const left = [...(await snapshot())].filter((what) => !before.has(what));
    if (left.length === 0 || performance.now() > until) return left;
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // it has gone in the meantime
  }
}

/** Every process but init and this one; the programs that this module executes have ended when it looks. */
function processes(): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && name !== '1' && Number(name) !== process.pid)
    .flatMap((pid) => {
      const command = read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim();
      // Kernel threads and zombies have no command line; a zombie is only waiting for its parent to look.
      return command === '' ? [] : [`process ${pid}: ${command.slice(0, 160)}`];
    });
}

/** proc(5): the fifth field of a line is the mount point. */
function mounts(): string[] {
  return read('/proc/self/mountinfo')
    .trimEnd()
    .split('\n')
    .map((line) => `mount ${line.split(' ')[4]}`);
}

function namespaces(): string[] {
  return existsSync('/run/netns') ? readdirSync('/run/netns').map((name) => `network namespace ${name}`) : [];
}

/** The first two lines of the table are its head. */
function links(): string[] {
  return read('/proc/net/dev')
    .trimEnd()
    .split('\n')
    .slice(2)
    .map((line) => `link ${line.split(':')[0]?.trim()} in the runner's own network namespace`);
}

function rules(): string[] {
  const tables = execFileSync('nft', ['list', 'tables'], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return tables
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => `firewall ${line} in the runner's own network namespace`);
}

/**
 * Groups of containers that have ended, in cgroup v2 and in v1's hierarchy for pids. One with a process in it belongs to
 * somebody else on the machine, or its process has been named already.
 */
function cgroups(): string[] {
  const marks = ['bridgeport', 'docker', 'moby'];
  return globSync(['/sys/fs/cgroup/*/*/pids.current', '/sys/fs/cgroup/pids/*/*/pids.current'])
    .filter((path) => marks.some((mark) => path.includes(mark)) && read(path).trim() === '0')
    .map((path) => `cgroup ${dirname(path)}`);
}

/** What tests wrote under the runner's TMPDIR and did not remove. */
function files(): string[] {
  const directory = process.env.TMPDIR;
  return directory === undefined ? [] : readdirSync(directory).map((name) => `file ${join(directory, name)}`);
}
