/**
 * Runs a program to its end without forking this process. Node's spawn() forks, and a fork copies the page tables: 4 to 8 ms for a daemon
 * of 100 MB, in which it does nothing else. posix_spawn(3) lends the child this process's memory until it has executed the program
 * (CLONE_VM | CLONE_VFORK in glibc), which takes well under 1 ms.
 *
 * Input and output are files in memory: nothing is piped while the program runs. What it leaves running in the background is not waited for.
 */

import { fstatSync, readSync, writeSync } from 'node:fs';
import { errnoError } from './ffi/errno.ts';
import { addressOf, check, libc } from './ffi/libc.ts';
import { watchReadable } from './ffi/poll.ts';

export interface ProgramOptions {
  /** Standard input. Default: empty. */
  input?: string;
  env: Readonly<Record<string, string>>;
  /** Ends it with SIGTERM. */
  signal?: AbortSignal | undefined;
}

export interface ProgramEnd {
  /** Undefined when a signal ended it. */
  status: number | undefined;
  signal: number | undefined;
  stdout: string;
  stderr: string;
}

/** `#define MFD_CLOEXEC 0x0001U` (linux/memfd.h) */
const MFD_CLOEXEC = 1;
/** `#define __NR_pidfd_open 434` (asm-generic/unistd.h): the same everywhere */
const NR_PIDFD_OPEN = 434;
/** `#define WNOHANG 1` (bits/waitflags.h) */
const WNOHANG = 1;
/** sizeof(posix_spawn_file_actions_t) is 80 in glibc, which keeps what is added elsewhere. */
const FILE_ACTIONS_LENGTH = 128;

/**
 * The program is started before this returns, and so in the namespaces that this thread is in now; its end comes later, and is never
 * an error, however it ends.
 *
 * @param path of the program
 * @param args without its own name
 * @throws errno ENOENT when there is no such program, and errors of the same kind
 */
export function startProgram(
  path: string,
  args: readonly string[],
  options: ProgramOptions,
): { readonly pid: number; readonly end: Promise<ProgramEnd> } {
  const files: number[] = [];
  const close = () => {
    for (const fd of files) libc().close(fd);
  };
  try {
    for (const name of ['stdin', 'stdout', 'stderr']) {
      files.push(check(libc().memfd_create(name, MFD_CLOEXEC), `make a file for ${name} of ${path}`));
    }
    const [input = 0, output = 0, errors = 0] = files;
    // At its place: the offset is shared with the child, which reads from the beginning.
    if (options.input) writeSync(input, options.input, 0);
    const pid = start(path, args, options.env, files);
    const end = ended(pid, path, options.signal)
      .then((how) => ({ ...how, stdout: textOf(output), stderr: textOf(errors) }))
      .finally(close);
    return { pid, end };
  } catch (error) {
    close();
    throw error;
  }
}

/** `files` become the child's descriptors 0, 1 and 2; all others of ours are closed when it executes the program. */
function start(
  path: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  files: readonly number[],
): number {
  const action = `run ${path}`;
  const must = (errno: number) => {
    if (errno !== 0) throw errnoError(action, errno);
  };
  const argv = strings([path, ...args]);
  const envp = strings(Object.entries(env).map(([name, value]) => `${name}=${value}`));
  const pid = Buffer.alloc(4);
  const actions = Buffer.alloc(FILE_ACTIONS_LENGTH);
  must(libc().posix_spawn_file_actions_init(actions));
  try {
    for (const [index, fd] of files.entries()) {
      must(libc().posix_spawn_file_actions_adddup2(actions, fd, index));
    }
    must(libc().posix_spawn(pid, path, actions, null, argv.pointers, envp.pointers));
  } finally {
    libc().posix_spawn_file_actions_destroy(actions);
  }
  return pid.readInt32LE();
}

/** A NULL-terminated array of C strings. The texts have to be kept as long as the pointers. */
function strings(texts: readonly string[]): { pointers: Buffer; texts: Buffer[] } {
  const buffers = texts.map((text) => Buffer.from(`${text}\0`));
  const pointers = Buffer.alloc((texts.length + 1) * 8);
  for (const [index, buffer] of buffers.entries()) {
    pointers.writeBigUInt64LE(addressOf(buffer), index * 8);
  }
  return { pointers, texts: buffers };
}

/** Nobody else waits for it: Node asks for the children that it knows, one by one. */
function ended(
  pid: number,
  path: string,
  signal: AbortSignal | undefined,
): Promise<Pick<ProgramEnd, 'status' | 'signal'>> {
  const action = `wait for ${path}`;
  const fd = check(libc().syscall(NR_PIDFD_OPEN, pid, 0, 0, 0), action);
  const abort = () => process.kill(pid, 'SIGTERM');
  return new Promise((resolve, reject) => {
    const watch = watchReadable(fd, () => {
      watch.close();
      libc().close(fd);
      signal?.removeEventListener('abort', abort);
      const status = Buffer.alloc(4);
      try {
        check(libc().waitpid(pid, status, WNOHANG), action);
      } catch (error) {
        reject(error);
        return;
      }
      // WIFEXITED, WEXITSTATUS and WTERMSIG of wait(2).
      const word = status.readInt32LE();
      const killedBy = word & 0x7f;
      resolve(
        killedBy === 0
          ? { status: (word >> 8) & 0xff, signal: undefined }
          : { status: undefined, signal: killedBy },
      );
    });
    signal?.addEventListener('abort', abort, { once: true });
  });
}

function textOf(fd: number): string {
  const buffer = Buffer.alloc(fstatSync(fd).size);
  readSync(fd, buffer, 0, buffer.length, 0);
  return buffer.toString();
}
