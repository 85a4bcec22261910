/** The one table of everything that the daemon can be told, and the type that follows from it. */

import type { Option } from './option.ts';
import { containerOptions } from './options/containers.ts';
import { daemonOptions } from './options/daemon.ts';
import { imageOptions } from './options/images.ts';
import { networkOptions } from './options/network.ts';

/** Every option, by the name of its field in `DaemonConfig`. */
export const OPTIONS = Object.freeze({
  ...daemonOptions,
  ...networkOptions,
  ...containerOptions,
  ...imageOptions,
});

export type OptionName = keyof typeof OPTIONS;

/** What an option's value is, once read. */
type ValueOf<O> = O extends Option<infer T> ? T : never;

/** Questions about the invocation, not about the daemon. */
type Invocation = 'help' | 'version' | 'validate';

/**
 * The daemon's configuration, complete: every field has a value. An empty text or list means "not set".
 *
 * Field names are the keys of daemon.json in camel case: `default-address-pools` is `defaultAddressPools`.
 */
export type DaemonConfig = {
  readonly [Name in Exclude<OptionName, Invocation>]: ValueOf<(typeof OPTIONS)[Name]>;
};

/** Values by field name, before they are known to be complete. */
export type Values = Partial<Record<OptionName, unknown>>;

/** The table as rows, for those who walk over all of them. */
export function rows(): Array<[OptionName, Option<unknown>]> {
  return Object.entries(OPTIONS) as Array<[OptionName, Option<unknown>]>;
}
