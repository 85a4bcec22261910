import type { CliContext } from './context.ts';
import type { FlagSet, Values } from './flags/flag.ts';

/** What a command is called with. */
export interface Invocation<F extends FlagSet> {
  flags: Values<F>;
  given: ReadonlySet<keyof F & string>;
  args: string[];
  /** The words the command was called by: `bridgeport container ls`. */
  path: string;
}

/** One command: described by data, so that help and errors need not run it. */
export interface Command<F extends FlagSet = FlagSet> {
  /** The usage line after the command's own path: `[OPTIONS] IMAGE [COMMAND] [ARG...]`. */
  readonly use: string;
  readonly summary: string;
  /** Other names, as the help text lists them: `bridgeport container ls, bridgeport ps`. */
  readonly aliases?: readonly string[];
  /** How many arguments it takes; `max` is unlimited when left out. */
  readonly args: { min: number; max?: number };
  /** False when the first argument ends the flags. */
  readonly interspersed?: boolean;
  /** The flags; a function when they depend on the environment. */
  readonly flags: F | ((context: Pick<CliContext, 'env'>) => F);
  /** Runs; the number returned is the exit code (0 when none is). */
  run(context: CliContext, invocation: Invocation<F>): Promise<number | undefined>;
}

/** Gives `run` the types of the flags beside it. */
export function defineCommand<F extends FlagSet>(command: Command<F>): Command {
  return command as unknown as Command;
}

/** A command that is loaded when it is called, or a group of such. Some commands have others below them: `port`, `port add`. */
export type CommandEntry =
  | {
      summary: string;
      hidden?: boolean;
      load: () => Promise<Command>;
      below?: Record<string, CommandEntry>;
    }
  | { summary: string; hidden?: boolean; commands: Record<string, CommandEntry> };
