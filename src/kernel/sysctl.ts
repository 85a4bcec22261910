/**
 * Kernel settings under /proc/sys. Those of the network (`net.*`) belong to the namespace the calling thread is in: use
 * `withNetns()` around these functions to reach a container's. All are synchronous for that reason.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { internal } from '../base/errors.ts';
import { errnoError, errnoNumber, isErrno } from './ffi/errno.ts';

/**
 * Reads a setting, without the closing newline.
 *
 * @param name `net.ipv4.ip_forward` or `net/ipv4/conf/eth0.100/forwarding`. As in sysctl(8) the first separator decides: a
 *   name that starts with dots writes a dot within a part as a slash, one that starts with slashes has dots as they are.
 * @throws errno ENOENT when this kernel (or namespace) does not have the setting
 */
export function readSysctl(name: string): string {
  const path = sysctlPath(name);
  try {
    return readFileSync(path, 'utf8').replace(/\n$/, '');
  } catch (error) {
    throw sysctlError(`read sysctl ${name}`, error);
  }
}

/** Reads a setting that is one number; throws when it is not. */
export function readSysctlNumber(name: string): number {
  const text = readSysctl(name);
  const value = Number(text);
  if (text === '' || !Number.isFinite(value))
    throw internal(`read sysctl ${name}: ${JSON.stringify(text)} is not a number`);
  return value;
}

/** Like `readSysctl()`, but `undefined` when there is no such setting. */
export function tryReadSysctl(name: string): string | undefined {
  try {
    return readSysctl(name);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/**
 * Writes a setting.
 *
 * @throws errno ENOENT when there is no such setting, EINVAL when the kernel refuses the value, EROFS or EACCES when
 *   /proc/sys is read-only here
 */
export function writeSysctl(name: string, value: string | number): void {
  const path = sysctlPath(name);
  try {
    // r+: a missing setting must not be taken for a file to be created.
    writeFileSync(path, String(value), { flag: 'r+' });
  } catch (error) {
    throw sysctlError(`write ${JSON.stringify(String(value))} to sysctl ${name}`, error);
  }
}

/** Like `writeSysctl()`, but `false` when there is no such setting. */
export function tryWriteSysctl(name: string, value: string | number): boolean {
  try {
    writeSysctl(name, value);
    return true;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false;
    throw error;
  }
}

/** The file of a setting; throws for a name that is none (empty parts, `..`). */
export function sysctlPath(name: string): string {
  const dotted = /^[^/]*\./.test(name);
  const parts = dotted ? name.split('.').map((part) => part.replaceAll('/', '.')) : name.split('/');
  if (parts.some((part) => part === '' || part === '.' || part === '..' || part.includes('\0'))) {
    throw internal(`${JSON.stringify(name)} is not the name of a sysctl`, { errno: 'ENOENT' });
  }
  return `/proc/sys/${parts.join('/')}`;
}

function sysctlError(action: string, error: unknown): Error {
  const { code } = error as NodeJS.ErrnoException;
  return code ? errnoError(action, errnoNumber(code), { cause: error }) : (error as Error);
}
