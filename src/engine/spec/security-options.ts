/** `--security-opt`: the options that mean something on this kind of host, and clear words for the others. */

import { invalid } from '../../base/errors.ts';
import { parseSeccompProfile, type SeccompProfile } from './seccomp-profile.ts';

export interface SecurityOptions {
  /** undefined: the default profile */
  seccomp: SeccompProfile | 'unconfined' | undefined;
  noNewPrivileges: boolean;
}

/** The client sends a seccomp profile as JSON text, not as a path. Throws `invalid` naming the option. */
export function parseSecurityOptions(options: readonly string[]): SecurityOptions {
  const result: SecurityOptions = { seccomp: undefined, noNewPrivileges: false };
  for (const option of options) {
    const match = /^([a-z-]+)(?:[=:]([\s\S]*))?$/.exec(option);
    const [, name, value] = match ?? [];
    if (name === 'no-new-privileges') {
      if (value !== undefined && value !== 'true' && value !== 'false') {
        throw invalid(`invalid --security-opt: "${option}"`);
      }
      result.noNewPrivileges = value !== 'false';
    } else if (name === 'seccomp' && value !== undefined) {
      result.seccomp =
        value === 'unconfined'
          ? 'unconfined'
          : value === 'builtin' || value === ''
            ? undefined
            : parseSeccompProfile(value);
    } else if ((name === 'apparmor' || name === 'label' || name === 'systempaths') && value !== undefined) {
      // Nothing to confine with: Debian's kernel may have AppArmor, but no profile is loaded for containers by Bridgeport.
    } else {
      throw invalid(`invalid --security-opt 2: "${option}"`);
    }
  }
  return result;
}
