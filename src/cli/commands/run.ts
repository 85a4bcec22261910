import { messageOf } from '../../base/errors.ts';
import { ExitError } from '../client/errors.ts';
import { defineCommand } from '../command.ts';
import type { CliContext } from '../context.ts';
import type { CreateBody } from '../flags/container-config.ts';
import { containerFlags } from '../flags/container-flags.ts';
import { bool, text } from '../flags/flag.ts';
import { attachQuery } from '../stream/attach-query.ts';
import { joinStreams } from '../stream/attached.ts';
import { waitForExit } from '../stream/wait.ts';
import { checkTty } from '../terminal/raw.ts';
import { followSize } from '../terminal/resize.ts';
import { forwardSignals } from '../terminal/signals.ts';
import { bodyOf, createContainer, createFlags, withHelp } from './create-container.ts';

export const run = defineCommand({
  use: '[OPTIONS] IMAGE [COMMAND] [ARG...]',
  summary: 'Create and run a new container from an image',
  aliases: ['bridgeport container run', 'bridgeport run'],
  args: { min: 1 },
  interspersed: false,
  flags: ({ env }) => ({
    ...containerFlags(env),
    ...createFlags,
    detach: bool('Run container in background and print container ID', { short: 'd' }),
    'sig-proxy': bool('Proxy received signals to the process', { on: true }),
    'detach-keys': text('Override the key sequence for detaching a container'),
  }),
  async run(context, { flags, given, args, path }) {
    const body = bodyOf(context, path, flags, given, args);
    if (flags.detach) {
      if (flags.attach.length > 0) {
        throw new Error('conflicting options: cannot specify both --attach and --detach');
      }
      Object.assign(body, { AttachStdin: false, AttachStdout: false, AttachStderr: false, StdinOnce: false });
    } else checkTty(context.io, body.AttachStdin, body.Tty);

    const id = await failsAsRun(path, () => createContainer(context, body, flags));
    const stopForwarding = flags['sig-proxy'] ? forwardSignals(context, id) : () => {};
    try {
      if (!body.AttachStdin && !body.AttachStdout && !body.AttachStderr) {
        context.out(`${id}\n`);
        await failsAsRun(path, () => start(context, id));
        return 0;
      }
      const detachKeys = flags['detach-keys'] || (context.config().detachKeys ?? '');
      return await runAttached(context, path, id, body, detachKeys);
    } finally {
      stopForwarding();
    }
  },
});

/** Attaches, then starts, then stays until the container's output ends; the order loses no byte of it. */
async function runAttached(
  context: CliContext,
  path: string,
  id: string,
  body: CreateBody,
  detachKeys: string,
): Promise<number> {
  const streams = {
    stdin: body.AttachStdin,
    stdout: body.AttachStdout,
    stderr: body.AttachStderr,
    tty: body.Tty,
    detachKeys,
  };
  const socket = await context.client.hijack('POST', `/containers/${id}/attach`, {
    query: attachQuery(streams),
  });
  const waiting = await waitForExit(context, id, body.HostConfig.AutoRemove);
  const ending = joinStreams(context, socket, streams);
  // The join may fail while the start is being asked for; it is looked at below.
  ending.catch(() => {});
  try {
    await start(context, id);
  } catch (error) {
    socket.destroy();
    await ending.catch(() => {});
    if (body.HostConfig.AutoRemove) await waiting.status;
    throw asRunError(error, path);
  }
  const stopResizing =
    body.Tty && context.io.stdout.isTTY ? followSize(context, `/containers/${id}`) : () => {};
  try {
    const first = await Promise.race([ending, waiting.status]);
    if (first === 'detached') return 0;
    // When the exit is known first, the rest of the output is still read; without output there is none.
    if (typeof first === 'number' && (streams.stdout || streams.stderr)) await ending;
    return await waiting.status;
  } finally {
    stopResizing();
  }
}

const start = (context: CliContext, id: string) => context.client.text('POST', `/containers/${id}/start`);

async function failsAsRun<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw asRunError(error, path);
  }
}

/** 127: the command does not exist; 126: it cannot be run; 125: everything else the daemon refuses. */
function asRunError(error: unknown, path: string): ExitError {
  const message = messageOf(error);
  let code = 125;
  if (/executable file not found|no such file or directory|system cannot find the file/.test(message))
    code = 127;
  else if (/permission denied|is a directory/.test(message)) code = 126;
  return new ExitError(code, withHelp(message, path));
}
