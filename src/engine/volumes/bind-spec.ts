/** `-v SOURCE:TARGET:OPTIONS`, as the API carries it in `HostConfig.Binds`. Pure. */

import { posix } from 'node:path';
import { invalid } from '../../base/errors.ts';

export interface BindSpec {
  /** An absolute host path, the name of a volume, or undefined for an anonymous volume. */
  source: string | undefined;
  isPath: boolean;
  target: string;
  readOnly: boolean;
  /** Empty: the default, `rprivate`. */
  propagation: string;
  /** False (`nocopy`): a new volume does not get what the image has at the target. */
  copy: boolean;
  mode: string;
}

const PROPAGATIONS = new Set(['private', 'rprivate', 'shared', 'rshared', 'slave', 'rslave']);
/** Labels for SELinux and hints for other platforms mean nothing here, as in Docker on such a host. */
const LABELS = new Set(['z', 'Z']);
const HINTS = new Set(['consistent', 'cached', 'delegated', 'default']);

/** Throws `invalid` quoting the text, in Docker's words. */
export function parseBind(text: string): BindSpec {
  const parts = text.split(':');
  if (parts.length > 3 || parts.includes('')) {
    throw invalid(`invalid volume specification: '${text}'`);
  }
  const [first = '', second, options = ''] = parts;
  const spec: BindSpec = {
    source: second === undefined ? undefined : first,
    isPath: second !== undefined && first.startsWith('/'),
    target: checkTarget(second ?? first, text),
    readOnly: false,
    propagation: '',
    copy: true,
    mode: options,
  };
  if (spec.source !== undefined && !spec.isPath && /^[.~]|\//.test(spec.source)) {
    throw invalid(
      `create ${spec.source}: "${spec.source}" includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path`,
    );
  }
  const seen = new Set<string>();
  for (const option of options.split(',').filter(Boolean)) {
    const kind = kindOf(option, spec.isPath);
    // Of each kind one: `ro,rw` says two things at once.
    if (kind === undefined || seen.has(kind)) throw invalid(`invalid mode: ${options}`);
    seen.add(kind);
    if (kind === 'propagation') spec.propagation = option;
    if (option === 'ro') spec.readOnly = true;
    if (option === 'nocopy') spec.copy = false;
  }
  return spec;
}

/** A host path is never copied into, and only it can be shared with the host's mounts. */
function kindOf(option: string, isPath: boolean): string | undefined {
  if (option === 'ro' || option === 'rw') return 'access';
  if (LABELS.has(option)) return 'label';
  if (isPath && PROPAGATIONS.has(option)) return 'propagation';
  if (isPath && HINTS.has(option)) return 'hint';
  if (!isPath && option === 'nocopy') return 'copy';
  return undefined;
}

/** Throws unless `target` is an absolute path that is not the root. */
export function checkTarget(target: string, text: string): string {
  if (!target.startsWith('/')) {
    throw invalid(
      `invalid volume specification: '${text}': invalid mount config: mount path must be absolute: '${target}'`,
    );
  }
  const path = posix.normalize(target).replace(/(.)\/$/, '$1');
  if (path === '/') throw invalid(`invalid volume specification: '${text}': destination can't be '/'`);
  return path;
}
