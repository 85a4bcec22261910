import type { Flag, FlagSet, Values } from './flag.ts';

/*
 * The grammar of the `docker` command line's flags (GNU getopt's, as Go's pflag reads it): `--name value`,
 * `--name=value`, `-n value`, `-nvalue`, `-n=value`, switches in a row (`-it`), `--switch=false`, and `--` ends.
 *
 * Written here rather than taken from commander, which cannot say `--rm=false`, reads `-p=80` as the value "=80",
 * and whose messages and exit code (1, not 125) are not the ones scripts around `docker run` know.
 */

/** What a command line said. */
export interface Parsed<F extends FlagSet> {
  values: Values<F>;
  /** Long names of the flags that were given, for those whose absence differs from their default. */
  given: ReadonlySet<keyof F & string>;
  /** What is left: the arguments. */
  args: string[];
  /** `--help` (or `-h`, where it has no other meaning) was asked for. */
  help: boolean;
}

/** A command line that cannot be understood; the message is the first line of what is printed. */
export class UsageError extends Error {}

/**
 * Reads `argv` by `flags`. With `interspersed: false` the first argument ends the flags, as in `run IMAGE cmd -x`.
 *
 * Throws `UsageError`: `unknown flag: --foo`, `flag needs an argument: 'p' in -p`,
 * `invalid argument "x" for "-m, --memory" flag: invalid size: 'x'`.
 */
export function parseFlags<F extends FlagSet>(
  flags: F,
  argv: readonly string[],
  options: { interspersed?: boolean } = {},
): Parsed<F> {
  const values: Record<string, unknown> = {};
  for (const [name, flag] of Object.entries(flags)) {
    if (flag.aliasOf === undefined) values[name] = flag.initial;
  }
  const byShort = new Map<string, string>();
  for (const [name, flag] of Object.entries(flags)) if (flag.short) byShort.set(flag.short, name);

  const given = new Set<string>();
  const args: string[] = [];
  let help = false;

  const set = (name: string, flag: Flag<unknown>, value: string) => {
    const target = flag.aliasOf ?? name;
    try {
      values[target] = flag.set(value, values[target]);
    } catch (error) {
      const shown = flag.short ? `-${flag.short}, --${name}` : `--${name}`;
      const reason = error instanceof Error ? error.message : String(error);
      throw new UsageError(`invalid argument ${JSON.stringify(value)} for "${shown}" flag: ${reason}`);
    }
    given.add(target);
  };

  let at = 0;
  const long = (argument: string) => {
    const body = argument.slice(2);
    const equals = body.indexOf('=');
    const name = equals < 0 ? body : body.slice(0, equals);
    if (name === '' || name.startsWith('-')) throw new UsageError(`bad flag syntax: ${argument}`);
    const flag = Object.hasOwn(flags, name) ? flags[name] : undefined;
    if (flag === undefined) {
      if (name !== 'help') throw new UsageError(`unknown flag: --${name}`);
      help = true;
    } else if (equals >= 0) set(name, flag, body.slice(equals + 1));
    else if (flag.bare !== undefined) set(name, flag, flag.bare);
    else if (at < argv.length) set(name, flag, argv[at++]!);
    else throw new UsageError(`flag needs an argument: --${name}`);
  };

  const short = (argument: string) => {
    for (let letters = argument.slice(1); letters !== ''; ) {
      const letter = letters.charAt(0);
      const name = byShort.get(letter);
      letters = letters.slice(1);
      if (name === undefined) {
        if (letter !== 'h') throw new UsageError(`unknown shorthand flag: '${letter}' in ${argument}`);
        help = true;
        continue;
      }
      const flag = flags[name]!;
      if (letters.length > 1 && letters.startsWith('=')) return set(name, flag, letters.slice(1));
      if (flag.bare !== undefined) set(name, flag, flag.bare);
      else if (letters !== '') return set(name, flag, letters);
      else if (at < argv.length) return set(name, flag, argv[at++]!);
      else throw new UsageError(`flag needs an argument: '${letter}' in ${argument}`);
    }
  };

  while (at < argv.length) {
    const argument = argv[at++]!;
    if (argument === '--') {
      args.push(...argv.slice(at));
      break;
    }
    if (argument.startsWith('--')) long(argument);
    else if (argument.startsWith('-') && argument !== '-') short(argument);
    else {
      args.push(argument);
      if (options.interspersed === false) {
        args.push(...argv.slice(at));
        break;
      }
    }
  }
  return { values: values as Values<F>, given: given as ReadonlySet<keyof F & string>, args, help };
}
