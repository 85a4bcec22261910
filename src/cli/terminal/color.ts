import type { CliContext } from '../context.ts';
import { text } from '../flags/flag.ts';

/** The flag `--color`. */
export const colorFlag = () => text('When to use colour: "auto", "always" or "never"', { default: 'auto' });

/** Whether to write colour: `auto` does on a terminal that has it, unless `NO_COLOR` is set (https://no-color.org). */
export function usesColor({ io, env }: Pick<CliContext, 'io' | 'env'>, flag: string): boolean {
  if (flag !== 'auto') return flag === 'always';
  return io.stdout.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb';
}
