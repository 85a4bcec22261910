/**
 * Other processes, seen through /proc (proc(5)), and signals that cannot hit the wrong one. A pid alone names a process only
 * until it is reused; together with its start time and the boot it names it for good.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { internal } from '../../base/errors.ts';
import { errnoError, errnoName } from '../ffi/errno.ts';
import { lastErrno, libc } from '../ffi/libc.ts';
import { bootId } from './host.ts';

/** Names one process on one machine for good. Plain values, to be stored. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks (hundredths of a second) after boot. */
  readonly startTime: number;
  /** /proc/sys/kernel/random/boot_id at the time. */
  readonly bootId: string;
}

/** Of /proc/PID/stat. */
export interface ProcessStat {
  readonly pid: number;
  /** File name of the program, up to 15 bytes. */
  readonly command: string;
  /** `R` running, `S` sleeping, `D` in disk wait, `T` stopped, `Z` zombie … */
  readonly state: string;
  readonly parentPid: number;
  readonly processGroup: number;
  readonly session: number;
  /** Clock ticks (hundredths of a second) of processor time, in user mode and in the kernel. */
  readonly userTime: number;
  readonly systemTime: number;
  readonly threads: number;
  /** Clock ticks after boot. */
  readonly startTime: number;
}

/** `undefined` when there is no such process. */
export function readProcessStat(pid: number): ProcessStat | undefined {
  const text = readProc(pid, 'stat');
  if (text === undefined) return undefined;
  // The command is in brackets and may hold brackets and spaces itself: the last bracket ends it.
  const close = text.lastIndexOf(')');
  const fields = text.slice(close + 2).split(' ');
  const number = (field: number) => Number(fields[field - 3]); // proc(5) counts from 1, pid and comm first
  return {
    pid,
    command: text.slice(text.indexOf('(') + 1, close),
    state: fields[0] ?? '',
    parentPid: number(4),
    processGroup: number(5),
    session: number(6),
    userTime: number(14),
    systemTime: number(15),
    threads: number(20),
    startTime: number(22),
  };
}

/** The identity of a process that runs now; `undefined` when it does not. */
export function identifyProcess(pid: number): ProcessIdentity | undefined {
  const stat = readProcessStat(pid);
  return stat && { pid, startTime: stat.startTime, bootId: bootId() };
}

/** Whether exactly this process still runs. A zombie, which only waits to be reaped, does not. */
export function isProcessAlive(identity: ProcessIdentity): boolean {
  const stat = readProcessStat(identity.pid);
  return (
    stat !== undefined &&
    stat.startTime === identity.startTime &&
    stat.state !== 'Z' &&
    stat.state !== 'X' &&
    bootId() === identity.bootId
  );
}

/** The words of the command line; `[]` for a kernel thread or a zombie, `undefined` when there is no such process. */
export function readCommandLine(pid: number): string[] | undefined {
  const text = readProc(pid, 'cmdline');
  if (text === undefined) return undefined;
  return text === '' ? [] : text.replace(/\0$/, '').split('\0');
}

/** The fields of /proc/PID/status by name (`VmRSS`, `CapEff`, `Seccomp`, `NSpid`), values as they stand. */
export function readProcessStatus(pid: number | 'self'): ReadonlyMap<string, string> | undefined {
  const text = readProc(pid, 'status');
  if (text === undefined) return undefined;
  const fields = text.split('\n').filter((line) => line.includes(':'));
  return new Map(
    fields.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon), line.slice(colon + 1).trim()];
    }),
  );
}

/** Where a process is in each cgroup hierarchy: by controller (`memory`, `name=systemd`), and under `''` for version 2. */
export function readProcessCgroups(pid: number | 'self'): ReadonlyMap<string, string> | undefined {
  const text = readProc(pid, 'cgroup');
  if (text === undefined) return undefined;
  const paths = new Map<string, string>();
  for (const line of text.split('\n')) {
    const match = /^\d+:([^:]*):(.*)$/.exec(line);
    for (const controller of match?.[1]?.split(',') ?? []) paths.set(controller, match?.[2] ?? '/');
  }
  return paths;
}

/** The pids of all processes. Some may be gone by the time they are looked at. */
export function listPids(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

/** `#define __NR_pidfd_send_signal 424`, `#define __NR_pidfd_open 434` (asm-generic/unistd.h): the same everywhere */
const NR_PIDFD_SEND_SIGNAL = 424;
const NR_PIDFD_OPEN = 434;

/**
 * Sends a signal to exactly this process, by a descriptor of it (pidfd_open(2), Linux 5.3), so that the pid cannot be
 * reused between the look and the signal.
 *
 * @returns false when it runs no more
 */
export function signalProcess(identity: ProcessIdentity, signal: number): boolean {
  const action = `send signal ${signal} to process ${identity.pid}`;
  const fd = libc().syscall(NR_PIDFD_OPEN, identity.pid, 0, 0, 0);
  if (fd < 0) return gone(action);
  try {
    if (!isProcessAlive(identity)) return false;
    return libc().syscall(NR_PIDFD_SEND_SIGNAL, fd, signal, 0, 0) === 0 || gone(action);
  } finally {
    libc().close(fd);
  }
}

function gone(action: string): false {
  const errno = lastErrno();
  if (errnoName(errno) === 'ESRCH') return false;
  throw errnoError(action, errno);
}

function readProc(pid: number | 'self', file: string): string | undefined {
  if (pid !== 'self' && (!Number.isInteger(pid) || pid <= 0)) throw internal(`${pid} is not a process id`);
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // ESRCH: it ended between open and read.
    if (code === 'ENOENT' || code === 'ESRCH') return undefined;
    throw error;
  }
}
