/** The shape of one row of the option table. */

import type { Kind } from './kinds.ts';

export interface Option<T> {
  /** `--name` without the dashes; null for what only daemon.json may say. */
  readonly flag: string | null;
  /** `-H`: one letter. */
  readonly short: string | undefined;
  /** The key in daemon.json; null for what only a flag may say. */
  readonly key: string | null;
  /** Older keys that mean the same. */
  readonly formerKeys: readonly string[];
  readonly kind: Kind<T>;
  readonly default: T;
  readonly help: string;
  /** False for what Docker knows and Bridgeport accepts without acting on it yet: the log says so. */
  readonly built: boolean;
  /** True when SIGHUP takes over a changed value. */
  readonly reloadable: boolean;
  /** Left out of the help. */
  readonly hidden: boolean;
}

export interface OptionSpec<T> {
  short?: string;
  /** Defaults to the flag's name. */
  key?: string | null;
  formerKeys?: readonly string[];
  kind: Kind<T>;
  default: NoInfer<T>;
  help: string;
  built?: boolean;
  reloadable?: boolean;
  hidden?: boolean;
}

/** A row for a flag, with its key in daemon.json (its own name unless told). */
export function option<T>(flag: string, spec: OptionSpec<T>): Option<T> {
  return {
    flag,
    short: spec.short,
    key: spec.key === undefined ? flag : spec.key,
    formerKeys: spec.formerKeys ?? [],
    kind: spec.kind,
    default: spec.default,
    help: spec.help,
    built: spec.built ?? false,
    reloadable: spec.reloadable ?? false,
    hidden: spec.hidden ?? false,
  };
}

/** A row for a key of daemon.json that no flag stands for. */
export function keyOnly<T>(key: string, spec: Omit<OptionSpec<T>, 'key' | 'short'>): Option<T> {
  return { ...option(key, { ...spec, key }), flag: null };
}
