import { readFileSync } from 'node:fs';
import { messageOf } from '../../base/errors.ts';
import { cut } from './csv.ts';

/** What the `--security-opt` flags ask for. */
export interface SecurityOptions {
  /** What is sent to the daemon; a seccomp profile is its JSON, not its path. */
  securityOpt: string[];
  /** `systempaths=unconfined` was given: no path is masked or made read-only. */
  unconfinedPaths: boolean;
}

/** Reads `--security-opt` values, and the files they name. Throws an `Error` quoting the value. */
export function securityOptions(values: readonly string[]): SecurityOptions {
  const result: SecurityOptions = { securityOpt: [], unconfinedPaths: false };
  for (const value of values) {
    let [key, setting] = cut(value);
    if (setting === undefined && key !== 'no-new-privileges') [key, setting] = cut(value, ':');
    if (!setting && key !== 'no-new-privileges') {
      throw new Error(`Invalid --security-opt: ${JSON.stringify(value)}`);
    }
    if (value === 'systempaths=unconfined') result.unconfinedPaths = true;
    else if (key === 'seccomp' && setting !== 'unconfined' && setting !== 'builtin') {
      result.securityOpt.push(`seccomp=${seccompProfile(setting!)}`);
    } else result.securityOpt.push(value);
  }
  return result;
}

function seccompProfile(path: string): string {
  let content: string;
  try {
    content = readFileSync(path, 'utf8');
  } catch {
    throw new Error(`opening seccomp profile (${path}) failed: open ${path}: no such file or directory`);
  }
  try {
    return JSON.stringify(JSON.parse(content));
  } catch (error) {
    throw new Error(`compacting json for seccomp profile (${path}) failed: ${messageOf(error)}`);
  }
}
