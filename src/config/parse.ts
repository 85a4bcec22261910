/** From a command line, a file and an environment to the daemon's configuration. */

import { join, resolve } from 'node:path';
import { invalid, messageOf } from '../base/errors.ts';
import { checkTogether } from './checks.ts';
import { type FileValues, parseFile } from './file.ts';
import { type FlagValues, parseFlags } from './flags.ts';
import { helpText } from './help.ts';
import { DEFAULT_SOCKET, formatHost, parseHost } from './hosts.ts';
import { show } from './show.ts';
import { type DaemonConfig, OPTIONS, rows, type Values } from './table.ts';

/** Returns a file's text, or undefined when there is none; throws what else stands in the way. */
export type ReadFile = (path: string) => string | undefined;

export type Environment = Readonly<Record<string, string | undefined>>;

/** What the command line asks for. */
export type Invocation =
  | { kind: 'run' | 'validate'; config: DaemonConfig; warnings: string[] }
  | { kind: 'help'; text: string }
  | { kind: 'version' };

/**
 * Reads dockerd's flags and daemon.json. Pure apart from `readFile`; reading again with the same `argv` is how a
 * reload sees a changed file.
 *
 * @param argv what follows the program's name
 * @param cwd what relative paths are relative to
 * @returns with `run` and `validate`, `warnings` has a sentence for each option that was given and does nothing yet
 * @throws `invalid` whose message is for the user as it stands
 */
export function parseDaemonConfig(
  argv: readonly string[],
  readFile: ReadFile,
  env: Environment,
  cwd: string = process.cwd(),
): Invocation {
  const flags = parseFlags(argv);
  if (flags.get('help') === true) return { kind: 'help', text: helpText() };
  if (flags.get('version') === true) return { kind: 'version' };

  const file = readConfigFile(flags, readFile, cwd);
  const values: Values = {};
  for (const [name, option] of rows()) values[name] = option.default;
  for (const [name, { value }] of file) values[name] = value;
  for (const [name, value] of flags) {
    values[name] = name === 'runtimes' ? { ...(values[name] as object), ...(value as object) } : value;
  }
  const given = new Set([...flags.keys(), ...file.keys()]);
  const { help: _help, version: _version, validate, ...rest } = values;
  const config = settle(rest as DaemonConfig, given, env, cwd);
  checkTogether(config);
  return { kind: validate === true ? 'validate' : 'run', config, warnings: warningsOf(flags, file) };
}

function readConfigFile(flags: FlagValues, readFile: ReadFile, cwd: string): FileValues {
  const given = flags.get('configFile') as string | undefined;
  if (given === '') return new Map();
  const path = resolve(cwd, given ?? OPTIONS.configFile.default);
  try {
    const text = readFile(path);
    if (text === undefined && given === undefined) return new Map();
    if (text === undefined) throw invalid(`open ${path}: no such file or directory`);
    const file = parseFile(text);
    refuseConflicts(flags, file);
    return file;
  } catch (error) {
    throw invalid(`unable to configure the Docker daemon with file ${path}: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

/** An option may stand on the command line or in the file, not in both; runtimes are collected from both. */
function refuseConflicts(flags: FlagValues, file: FileValues): void {
  const conflicts: string[] = [];
  for (const [name, value] of flags) {
    const other = file.get(name);
    if (other === undefined || name === 'runtimes') continue;
    const [fromFlag, fromFile] = [value, other.raw].map((side) =>
      name === 'httpProxy' || name === 'httpsProxy' ? maskCredentials(show(side)) : show(side),
    );
    conflicts.push(`${other.key}: (from flag: ${fromFlag}, from file: ${fromFile})`);
  }
  if (conflicts.length > 0) {
    throw invalid(
      `the following directives are specified both as a flag and in the configuration file: ${conflicts.join(', ')}`,
    );
  }
}

function maskCredentials(text: string): string {
  return text.replace(/\/\/[^@/]*@/, '//xxxxx:xxxxx@');
}

/** Fills in what depends on other options or on the environment, and brings texts into their normal form. */
function settle(
  config: DaemonConfig,
  given: ReadonlySet<string>,
  env: Environment,
  cwd: string,
): DaemonConfig {
  const tlsverifyGiven = given.has('tlsverify') || (env.DOCKER_TLS_VERIFY ?? '') !== '';
  const tls = config.tls || tlsverifyGiven;
  const tlsverify = given.has('tlsverify') ? config.tlsverify : tls;
  const certificates = env.DOCKER_CERT_PATH || env.DOCKER_CONFIG || join(env.HOME || '/root', '.docker');
  const certificate = (path: string, name: string) =>
    tls ? resolve(cwd, path === '' ? join(certificates, name) : path) : '';
  const hosts = config.hosts.filter((host) => host.trim() !== '');
  if (hosts.length === 0) hosts.push(tls ? 'tcp://' : `unix://${DEFAULT_SOCKET}`);
  const absolute = (path: string) => (path === '' ? '' : resolve(cwd, path));
  return {
    ...config,
    configFile: absolute(config.configFile),
    dataRoot: absolute(config.dataRoot),
    execRoot: absolute(config.execRoot),
    pidfile: absolute(config.pidfile),
    hosts: hosts.map((host) => formatHost(parseHost(host.trim(), tls, cwd))),
    tls,
    tlsverify,
    tlscacert: certificate(config.tlscacert, 'ca.pem'),
    tlscert: certificate(config.tlscert, 'cert.pem'),
    tlskey: certificate(config.tlskey, 'key.pem'),
    mtu: config.mtu === 0 ? 1500 : config.mtu,
    // What Docker's logger calls panic is said by nobody here; fatal is the nearest.
    logLevel: config.logLevel === 'panic' ? 'fatal' : config.logLevel || 'info',
    ip: config.ip === '' ? '0.0.0.0' : config.ip,
    // Masquerading is a rule, and without iptables no rule is written (dockerd does the same).
    ipMasq: config.ipMasq && config.iptables,
    labels: [...new Set(config.labels)],
  };
}

function warningsOf(flags: FlagValues, file: FileValues): string[] {
  return rows()
    .filter(([name, option]) => !option.built && (flags.has(name) || file.has(name)))
    .map(([name, option]) => {
      const source = flags.has(name) ? `--${option.flag}` : `"${file.get(name)?.key}"`;
      return `${source} is known but not built yet: it has no effect`;
    });
}
