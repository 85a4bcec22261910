import type { Command, CommandEntry } from './command.ts';
import type { FlagSet } from './flags/flag.ts';
import { flagUsages } from './flags/usage.ts';

/** The full usage line of a command, as errors and help texts show it. */
export function usageLine(path: string, command: Command): string {
  return `${path} ${command.use}`.trimEnd();
}

/** What `bridgeport <command> --help` prints. */
export function commandHelp(
  path: string,
  command: Command,
  flags: FlagSet,
  width: number,
  below: Record<string, CommandEntry> = {},
): string {
  const options = flagUsages(flags, width);
  const aliases = command.aliases ? `\n\nAliases:\n  ${command.aliases.join(', ')}` : '';
  const section = options === '' ? '' : `\n\nOptions:\n${options}`;
  const entries = Object.entries(below);
  const column = Math.max(...entries.map(([name]) => name.length)) + 2;
  const list = entries.map(([name, entry]) => `  ${name.padEnd(column)}${entry.summary}`).join('\n');
  const more = list === '' ? '' : `\n\nCommands:\n${list}`;
  return `Usage:  ${usageLine(path, command)}\n\n${command.summary}${aliases}${section}${more}\n`;
}

/** What `bridgeport --help` and `bridgeport network --help` print. */
export function groupHelp(
  path: string,
  summary: string,
  entries: Record<string, CommandEntry>,
  flags: FlagSet | undefined,
  width: number,
): string {
  const shown = Object.entries(entries).filter(([, entry]) => !entry.hidden);
  const column = Math.max(...shown.map(([name]) => name.length)) + 2;
  const lines = (list: Array<[string, CommandEntry]>) =>
    list.map(([name, entry]) => `  ${name.padEnd(column)}${entry.summary}`).join('\n');
  const groups = shown.filter(([, entry]) => 'commands' in entry);
  // The root lists what is used most before its groups; what follows them is everything else.
  const first = groups.length > 0 ? shown.indexOf(groups[0]!) : 0;
  const common = shown.slice(0, first);
  const single = shown.slice(first).filter(([, entry]) => !('commands' in entry));
  const parts = [`Usage:  ${path} ${flags ? '[OPTIONS] ' : ''}COMMAND`, summary];
  if (common.length > 0) parts.push(`Common Commands:\n${lines(common)}`);
  if (groups.length > 0) parts.push(`Management Commands:\n${lines(groups)}`);
  parts.push(`Commands:\n${lines(single)}`);
  if (flags) parts.push(`Global Options:\n${flagUsages(flags, width)}`);
  parts.push(`Run '${path} COMMAND --help' for more information on a command.`);
  return `${parts.join('\n\n')}\n`;
}
