/**
 * A seccomp profile that the user gives (`--security-opt seccomp=…`, `--seccomp-profile`), in the form that Docker documents: that of the
 * OCI specification, in which a rule may also hold under conditions only, and may name one system call by `name`. Pure.
 */

import { invalid } from '../../base/errors.ts';
import type { OciSeccomp } from './oci.ts';

type OciRule = OciSeccomp['syscalls'][number];

/** When a rule holds: `includes` asks for all of it, `excludes` for none of it. */
interface Conditions {
  /** Any of these machines, in Go's words: `amd64`. */
  arches?: string[] | null;
  /** Capabilities that the container may have. */
  caps?: string[] | null;
  /** The kernel is at least this one: `4.8`. */
  minKernel?: string | null;
}

interface ProfileRule extends Omit<OciRule, 'names' | 'errnoRet' | 'args'> {
  name?: string | null;
  names?: string[] | null;
  errnoRet?: number | null;
  args?: OciRule['args'] | null;
  includes?: Conditions | null;
  excludes?: Conditions | null;
}

export interface SeccompProfile {
  defaultAction: string;
  defaultErrnoRet?: number | null;
  architectures?: string[] | null;
  /** Instead of `architectures`: which others belong to each native one. */
  archMap?: Array<{ architecture: string; subArchitectures?: string[] | null }> | null;
  syscalls?: ProfileRule[] | null;
}

/** Where and for whom the profile shall hold. */
export interface SeccompTarget {
  /** The container's bounding set. */
  capabilities: readonly string[];
  /** As `process.arch` spells it. */
  arch: string;
  /** As `uname -r` tells it: `6.1.0-18-amd64`. */
  kernel: string;
}

/** By Node's name: Go's, which conditions use, and libseccomp's. */
const ARCHITECTURES: Readonly<Record<string, { go: string; native: string }>> = {
  x64: { go: 'amd64', native: 'SCMP_ARCH_X86_64' },
  arm64: { go: 'arm64', native: 'SCMP_ARCH_AARCH64' },
};

/** Throws `invalid` for what is no profile, or contradicts itself. */
export function parseSeccompProfile(text: string): SeccompProfile {
  let profile: SeccompProfile;
  try {
    profile = JSON.parse(text) as SeccompProfile;
  } catch (cause) {
    throw invalid(`Decoding seccomp profile failed: ${cause instanceof Error ? cause.message : text}`, {
      cause,
    });
  }
  if (typeof profile?.defaultAction !== 'string') {
    throw invalid('Decoding seccomp profile failed: no defaultAction');
  }
  if (isGiven(profile.architectures) && isGiven(profile.archMap)) {
    throw invalid("both 'architectures' and 'archMap' are specified in the seccomp profile, use either");
  }
  for (const { name, names } of profile.syscalls ?? []) {
    if (name && isGiven(names)) {
      throw invalid(
        "both 'name' and 'names' are specified in the seccomp profile, use either 'name' or 'names'",
      );
    }
    // A rule for no call at all would be dropped in silence, and the user would believe in it.
    if (!name && !isGiven(names)) {
      throw invalid("Decoding seccomp profile failed: a rule of 'syscalls' has neither 'name' nor 'names'");
    }
  }
  return profile;
}

/** The rules that hold for this container on this host, as the runtime takes them. */
export function resolveSeccomp(profile: SeccompProfile, target: SeccompTarget): OciSeccomp {
  const { go, native } = ARCHITECTURES[target.arch] ?? { go: target.arch, native: '' };
  const mapped = profile.archMap?.find(({ architecture }) => architecture === native);
  const architectures = isGiven(profile.architectures)
    ? profile.architectures
    : mapped && [mapped.architecture, ...(mapped.subArchitectures ?? [])];
  const held = new Set(target.capabilities);
  const holds = ({ includes, excludes }: ProfileRule) =>
    !(
      excludes?.arches?.includes(go) ||
      excludes?.caps?.some((capability) => held.has(capability)) ||
      (excludes?.minKernel && isAtLeast(target.kernel, excludes.minKernel))
    ) &&
    (!isGiven(includes?.arches) || includes.arches.includes(go)) &&
    (includes?.caps ?? []).every((capability) => held.has(capability)) &&
    (!includes?.minKernel || isAtLeast(target.kernel, includes.minKernel));
  return {
    defaultAction: profile.defaultAction,
    ...(profile.defaultErrnoRet == null ? {} : { defaultErrnoRet: profile.defaultErrnoRet }),
    ...(architectures === undefined ? {} : { architectures }),
    syscalls: (profile.syscalls ?? []).filter(holds).map(({ name, names, action, errnoRet, args }) => ({
      names: name ? [name] : (names ?? []),
      action,
      ...(errnoRet == null ? {} : { errnoRet }),
      ...(args == null ? {} : { args }),
    })),
  };
}

function isGiven<T>(list: readonly T[] | null | undefined): list is readonly T[] {
  return list !== null && list !== undefined && list.length > 0;
}

/** Compares the first two numbers, which is all that profiles speak of. */
function isAtLeast(kernel: string, wanted: string): boolean {
  const [major = 0, minor = 0] = kernel.split('.').map(Number.parseFloat);
  const [wantedMajor = 0, wantedMinor = 0] = wanted.split('.').map(Number.parseFloat);
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
}
