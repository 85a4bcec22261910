import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { isKind, messageOf } from '../../base/errors.ts';
import { olderThan } from '../client/client.ts';
import { ExitError } from '../client/errors.ts';
import type { CliContext } from '../context.ts';
import {
  bodyForVersion,
  type ContainerValues,
  type CreateBody,
  createBody,
} from '../flags/container-config.ts';
import { bool, type FlagSet, text, type Values } from '../flags/flag.ts';
import { checkReference, normalizedReference } from '../format/reference.ts';
import { pullImage } from '../stream/pull.ts';

/** Flags of `run` and `create` that say how, not what, to create. */
export const createFlags = {
  name: text('Assign a name to the container'),
  pull: text('Pull image before running ("always", "missing", "never")', { default: 'missing' }),
  quiet: bool('Suppress the pull output', { short: 'q' }),
  platform: text('Set platform if server is multi-platform capable'),
  'disable-content-trust': bool('Skip image verification', { on: true, hidden: true }),
} satisfies FlagSet;

/** The body for a command line, or an `ExitError` 125 that says what is wrong with it. */
export function bodyOf(
  context: CliContext,
  path: string,
  values: ContainerValues & Values<typeof createFlags>,
  given: ReadonlySet<string>,
  args: string[],
): CreateBody {
  const [image, ...command] = args;
  try {
    if (!['always', 'missing', 'never', ''].includes(values.pull)) {
      throw new Error(`invalid pull option: '${values.pull}': must be one of "always", "missing" or "never"`);
    }
    return createBody({ image: image!, command, values, given, env: context.env, cwd: context.cwd });
  } catch (error) {
    throw new ExitError(125, withHelp(messageOf(error), path));
  }
}

/** What `docker` puts around the errors of `run`. */
export function withHelp(message: string, path: string): string {
  return `bridgeport: ${message}\n\nRun '${path} --help' for more information`;
}

/** Creates a container, pulling its image when it is missing, and returns its id; warnings go to stderr. */
export async function createContainer(
  context: CliContext,
  body: CreateBody,
  flags: Values<typeof createFlags>,
): Promise<string> {
  const cidFile = body.HostConfig.ContainerIDFile;
  if (cidFile !== '') reserve(cidFile);
  try {
    const id = await createOrPull(context, body, flags);
    if (cidFile !== '') writeFileSync(cidFile, id);
    return id;
  } catch (error) {
    if (cidFile !== '') rmSync(cidFile, { force: true });
    throw error;
  }
}

function reserve(cidFile: string): void {
  if (existsSync(cidFile)) {
    throw new Error(
      `container ID file found, make sure the other container isn't running or delete ${cidFile}`,
    );
  }
  try {
    writeFileSync(cidFile, '', { flag: 'wx' });
  } catch (error) {
    throw new Error(`failed to create the container ID file: ${messageOf(error)}`);
  }
}

async function createOrPull(
  context: CliContext,
  body: CreateBody,
  flags: Values<typeof createFlags>,
): Promise<string> {
  const isId = /^(sha256:)?[\da-f]{64}$/.test(body.Image);
  if (!isId) checkReference(body.Image);
  const pull = () =>
    pullImage(context, body.Image, { platform: flags.platform, quiet: flags.quiet, output: 'stderr' });
  if (flags.pull === 'always') await pull();

  const { rows = 0, columns = 0 } = context.io.stdout;
  const version = await context.client.version();
  const sent = bodyForVersion(body, (since) => olderThan(version, since));
  const create = () =>
    context.client.json<{ Id: string; Warnings: string[] | null }>('POST', '/containers/create', {
      query: { name: flags.name, platform: flags.platform },
      body: { ...sent, HostConfig: { ...sent.HostConfig, ConsoleSize: [rows, columns] } },
    });
  let created: Awaited<ReturnType<typeof create>>;
  try {
    created = await create();
  } catch (error) {
    const missing = isKind(error, 'not-found') && /no such image/i.test(error.message);
    if (!missing || isId || flags.pull !== 'missing') throw error;
    if (!flags.quiet) {
      context.err(`Unable to find image '${normalizedReference(body.Image)}' locally\n`);
    }
    await pull();
    created = await create();
  }
  const warnings = [...(created.Warnings ?? [])];
  const local = body.HostConfig.Dns.find((address) => /^127\.|^::1$/.test(address));
  if (local) warnings.push(`Localhost DNS (${local}) may fail in containers.`);
  for (const warning of warnings) context.err(`WARNING: ${warning}\n`);
  return created.Id;
}
