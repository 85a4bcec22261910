import { messageOf } from '../base/errors.ts';
import { ApiClient } from './client/client.ts';
import { type DockerConfig, loadDockerConfig } from './client/docker-config.ts';
import { resolveEndpoint } from './client/endpoint.ts';
import { ExitError } from './client/errors.ts';
import type { Command, CommandEntry } from './command.ts';
import { type CliContext, columnsOf, type Io } from './context.ts';
import { bool, type FlagSet, text, type Values } from './flags/flag.ts';
import { type Parsed, parseFlags, UsageError } from './flags/parse.ts';
import { commandHelp, groupHelp, usageLine } from './help.ts';
import { commands } from './registry.ts';

const NAME = 'bridgeport';
const SUMMARY = 'A container engine that explains its network';

/** What stands before the command: `bridgeport -H unix:///… ps`. */
const globalFlags = {
  host: text('Daemon socket to connect to (also BRIDGEPORT_HOST, DOCKER_HOST)', { short: 'H' }),
  config: text('Location of client config files (default "~/.docker")'),
  debug: bool('Enable debug mode', { short: 'D' }),
  tls: bool('Use TLS; implied by --tlsverify'),
  tlsverify: bool('Use TLS and verify the remote'),
  tlscacert: text('Trust certs signed only by this CA'),
  tlscert: text('Path to TLS certificate file'),
  tlskey: text('Path to TLS key file'),
  version: bool('Print version information and quit', { short: 'v' }),
} satisfies FlagSet;

/** Runs one command line and returns its exit code; what went wrong is on stderr. */
export async function runCli(
  argv: readonly string[],
  io: Io,
  env: Readonly<Record<string, string | undefined>>,
): Promise<number> {
  let context: CliContext | undefined;
  try {
    const globals = parseGlobals(argv);
    const { path, entry, args } = find(globals);
    if (entry === undefined || 'commands' in entry) return showGroup(io, path, entry, globals, args);
    context = makeContext(globals.values, io, env);
    return await runCommand(context, path, entry, args, globals.help);
  } catch (error) {
    const message = messageOf(error);
    if (message !== '') io.stderr.write(`${message}\n`);
    return error instanceof ExitError ? error.exitCode : 1;
  } finally {
    context?.client.close();
  }
}

async function runCommand(
  context: CliContext,
  path: string,
  entry: Extract<CommandEntry, { load: unknown }>,
  argv: readonly string[],
  help: boolean,
): Promise<number> {
  const command = await entry.load();
  const flags = typeof command.flags === 'function' ? command.flags(context) : command.flags;
  const usage = usageLine(path, command);
  let parsed: Parsed<FlagSet>;
  try {
    parsed = parseFlags(flags, argv, { interspersed: command.interspersed ?? true });
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new ExitError(
      125,
      `${error.message}\n\nUsage:  ${usage}\n\nRun '${path} --help' for more information`,
    );
  }
  if (help || parsed.help) {
    context.out(commandHelp(path, command, flags, columnsOf(context.io), entry.below));
    return 0;
  }
  checkArguments(path, usage, command, parsed.args);
  const { values, given, args } = parsed;
  return (await command.run(context, { flags: values, given, args, path })) ?? 0;
}

function checkArguments(path: string, usage: string, { args: rule }: Command, args: string[]): void {
  const { min, max = Number.POSITIVE_INFINITY } = rule;
  if (args.length >= min && args.length <= max) return;
  const plural = (count: number) => `${count} argument${count === 1 ? '' : 's'}`;
  let wants = `requires at least ${min} and at most ${plural(max)}`;
  if (max === 0) wants = 'accepts no arguments';
  else if (min === max) wants = `requires ${plural(min)}`;
  else if (max === Number.POSITIVE_INFINITY) wants = `requires at least ${plural(min)}`;
  else if (min === 0) wants = `requires at most ${plural(max)}`;
  const see = max === Number.POSITIVE_INFINITY ? 'See' : 'Run';
  throw new ExitError(
    1,
    `${NAME}: '${path}' ${wants}\n\nUsage:  ${usage}\n\n${see} '${path} --help' for more information`,
  );
}

type Globals = Parsed<typeof globalFlags>;

function parseGlobals(argv: readonly string[]): Globals {
  try {
    return parseFlags(globalFlags, argv, { interspersed: false });
  } catch (error) {
    const usage = `${NAME} [OPTIONS] COMMAND [ARG...]`;
    throw new ExitError(
      125,
      `${messageOf(error)}\n\nUsage:  ${usage}\n\nRun '${NAME} --help' for more information`,
    );
  }
}

/** Follows the words of the command line down the groups; `help ps` is `ps --help`. */
function find(globals: Globals): { path: string; entry: CommandEntry | undefined; args: string[] } {
  let words = globals.args;
  if (words[0] === 'help') {
    words = words.slice(1);
    globals.help = true;
  }
  let path = NAME;
  let entry: CommandEntry | undefined;
  let level: Record<string, CommandEntry> | undefined = commands;
  while (level !== undefined && words.length > 0 && !words[0]!.startsWith('-')) {
    const word = words[0]!;
    const next: CommandEntry | undefined = Object.hasOwn(level, word) ? level[word] : undefined;
    if (next === undefined && entry !== undefined && 'load' in entry) break;
    if (next === undefined) throw unknownCommand(path, word);
    entry = next;
    path += ` ${word}`;
    words = words.slice(1);
    level = 'commands' in next ? next.commands : next.below;
  }
  return { path, entry, args: words };
}

function unknownCommand(path: string, word: string): ExitError {
  if (path === NAME) {
    return new ExitError(
      1,
      `${NAME}: unknown command: ${NAME} ${word}\n\nRun '${NAME} --help' for more information`,
    );
  }
  return new ExitError(
    1,
    `${NAME}: unknown command: ${path} ${word}\n\nUsage:  ${path}\n\nRun '${path} --help' for more information`,
  );
}

async function showGroup(
  io: Io,
  path: string,
  entry: CommandEntry | undefined,
  globals: Globals,
  rest: readonly string[],
): Promise<number> {
  if (globals.values.version) {
    const { clientVersion } = await import('./commands/version.ts');
    io.stdout.write(`Bridgeport version ${clientVersion().version}\n`);
    return 0;
  }
  const wrong = rest.find((word) => word !== '--help' && word !== '-h');
  if (wrong !== undefined) {
    throw new ExitError(
      125,
      `unknown flag: ${wrong}\n\nUsage:  ${path} COMMAND\n\nRun '${path} --help' for more information`,
    );
  }
  const level = entry && 'commands' in entry ? entry.commands : commands;
  const flags = entry === undefined ? globalFlags : undefined;
  io.stdout.write(groupHelp(path, entry?.summary ?? SUMMARY, level, flags, columnsOf(io)));
  return 0;
}

function makeContext(
  globals: Values<typeof globalFlags>,
  io: Io,
  processEnv: Readonly<Record<string, string | undefined>>,
): CliContext {
  const env = globals.config ? { ...processEnv, DOCKER_CONFIG: globals.config } : processEnv;
  const endpoint = resolveEndpoint(
    {
      host: globals.host,
      tls: globals.tls,
      tlsVerify: globals.tlsverify,
      caCert: globals.tlscacert,
      cert: globals.tlscert,
      key: globals.tlskey,
    },
    env,
  );
  let config: DockerConfig | undefined;
  return {
    io,
    env,
    cwd: process.cwd(),
    client: new ApiClient(endpoint, { version: env.DOCKER_API_VERSION }),
    config: () => {
      config ??= loadDockerConfig(env);
      return config;
    },
    now: Date.now,
    out: (value) => io.stdout.write(value),
    err: (value) => io.stderr.write(value),
  };
}
