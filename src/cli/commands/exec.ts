import { defineCommand } from '../command.ts';
import { envValue, keyValueFile } from '../flags/env.ts';
import { bool, list, text } from '../flags/flag.ts';
import { joinStreams } from '../stream/attached.ts';
import { checkTty } from '../terminal/raw.ts';
import { followSize } from '../terminal/resize.ts';
import { containerPath } from './each.ts';

export const exec = defineCommand({
  use: '[OPTIONS] CONTAINER COMMAND [ARG...]',
  summary: 'Execute a command in a running container',
  aliases: ['bridgeport container exec', 'bridgeport exec'],
  args: { min: 2 },
  interspersed: false,
  flags: ({ env }) => ({
    'detach-keys': text('Override the key sequence for detaching a container'),
    detach: bool('Detached mode: run command in the background', { short: 'd' }),
    interactive: bool('Keep STDIN open even if not attached', { short: 'i' }),
    tty: bool('Allocate a pseudo-TTY', { short: 't' }),
    user: text('Username or UID (format: "<name|uid>[:<group|gid>]")', { short: 'u' }),
    privileged: bool('Give extended privileges to the command'),
    env: list('Set environment variables', { short: 'e', validate: envValue(env) }),
    'env-file': list('Read in a file of environment variables'),
    workdir: text('Working directory inside the container', { short: 'w' }),
  }),
  async run(context, { flags, args: [name, ...command] }) {
    const { client, io, env } = context;
    const detachKeys = flags['detach-keys'] || (context.config().detachKeys ?? '');
    const fileEnv = flags['env-file'].flatMap((path) => keyValueFile(path, env));
    // A container that does not exist is the first thing to hear about.
    await client.text('GET', containerPath(name!, 'json'));
    const attached = !flags.detach;
    const stdin = attached && flags.interactive;
    if (attached) checkTty(io, stdin, flags.tty);
    const { rows, columns } = io.stdout;
    const console = flags.tty && rows && columns ? { ConsoleSize: [rows, columns] } : {};

    const { Id: id } = await client.json<{ Id: string }>('POST', containerPath(name!, 'exec'), {
      body: {
        User: flags.user,
        Privileged: flags.privileged,
        Tty: flags.tty,
        AttachStdin: stdin,
        AttachStdout: attached,
        AttachStderr: attached,
        DetachKeys: detachKeys,
        Env: [...fileEnv, ...flags.env],
        WorkingDir: flags.workdir,
        Cmd: command,
        ...console,
      },
    });
    const body = { Detach: flags.detach, Tty: flags.tty, ...console };
    if (flags.detach) {
      await client.text('POST', `/exec/${id}/start`, { body });
      return 0;
    }
    const socket = await client.hijack('POST', `/exec/${id}/start`, { body });
    const stopResizing = flags.tty && io.stdin.isTTY ? followSize(context, `/exec/${id}`) : () => {};
    try {
      const streams = { stdin, stdout: true, stderr: true, tty: flags.tty, detachKeys };
      if ((await joinStreams(context, socket, streams)) === 'detached') {
        throw new Error('read escape sequence');
      }
    } finally {
      stopResizing();
    }
    const { ExitCode } = await client.json<{ ExitCode: number | null }>('GET', `/exec/${id}/json`);
    return ExitCode ?? 0;
  },
});
