import { messageOf } from '../../base/errors.ts';
import type { ContainerInspect } from '../api/types.ts';
import { ExitError } from '../client/errors.ts';
import { defineCommand } from '../command.ts';
import type { CliContext } from '../context.ts';
import { bool, text } from '../flags/flag.ts';
import { attachQuery } from '../stream/attach-query.ts';
import { joinStreams } from '../stream/attached.ts';
import { waitForExit } from '../stream/wait.ts';
import { followSize } from '../terminal/resize.ts';
import { forwardSignals } from '../terminal/signals.ts';
import { containerPath } from './each.ts';

export const start = defineCommand({
  use: '[OPTIONS] CONTAINER [CONTAINER...]',
  summary: 'Start one or more stopped containers',
  aliases: ['bridgeport container start', 'bridgeport start'],
  args: { min: 1 },
  flags: {
    attach: bool('Attach STDOUT/STDERR and forward signals', { short: 'a' }),
    interactive: bool("Attach container's STDIN", { short: 'i' }),
    'detach-keys': text('Override the key sequence for detaching a container'),
  },
  async run(context, { flags, args }) {
    if (!flags.attach && !flags.interactive) return startAll(context, args);
    if (args.length > 1) throw new Error('you cannot start and attach multiple containers at once');
    const detachKeys = flags['detach-keys'] || (context.config().detachKeys ?? '');
    return startAttached(context, args[0]!, flags.interactive, detachKeys);
  },
});

async function startAll(context: CliContext, names: string[]): Promise<number> {
  const failed: string[] = [];
  for (const name of names) {
    try {
      await context.client.text('POST', containerPath(name, 'start'));
      context.out(`${name}\n`);
    } catch (error) {
      context.err(`${messageOf(error)}\n`);
      failed.push(name);
    }
  }
  if (failed.length === 0) return 0;
  throw new ExitError(1, `Error: failed to start containers: ${failed.join(', ')}`);
}

async function startAttached(
  context: CliContext,
  name: string,
  interactive: boolean,
  detachKeys: string,
): Promise<number> {
  const { client } = context;
  const container = await client.json<ContainerInspect>('GET', containerPath(name, 'json'));
  const { Id: id, Config } = container;
  const stopForwarding = Config.Tty ? () => {} : forwardSignals(context, id);
  const streams = {
    stdin: interactive && Config.OpenStdin,
    stdout: true,
    stderr: true,
    tty: Config.Tty,
    detachKeys,
  };
  try {
    const socket = await client.hijack('POST', containerPath(id, 'attach'), {
      query: attachQuery(streams),
    });
    const ending = joinStreams(context, socket, streams);
    ending.catch(() => {});
    const waiting = await waitForExit(context, id, container.HostConfig.AutoRemove);
    try {
      await client.text('POST', containerPath(id, 'start'));
    } catch (error) {
      socket.destroy();
      await ending.catch(() => {});
      if (container.HostConfig.AutoRemove) await waiting.status;
      throw error;
    }
    const stopResizing =
      Config.Tty && context.io.stdout.isTTY ? followSize(context, `/containers/${id}`) : () => {};
    try {
      return (await ending) === 'detached' ? 0 : await waiting.status;
    } finally {
      stopResizing();
    }
  } finally {
    stopForwarding();
  }
}
