import type { ContainerInspect } from '../api/types.ts';
import { readText } from '../client/client.ts';
import { defineCommand } from '../command.ts';
import type { CliContext } from '../context.ts';
import { bool, text } from '../flags/flag.ts';
import { attachQuery } from '../stream/attach-query.ts';
import { joinStreams } from '../stream/attached.ts';
import { checkTty } from '../terminal/raw.ts';
import { followSize } from '../terminal/resize.ts';
import { forwardSignals } from '../terminal/signals.ts';
import { containerPath } from './each.ts';

export const attach = defineCommand({
  use: '[OPTIONS] CONTAINER',
  summary: 'Attach local standard input, output, and error streams to a running container',
  aliases: ['bridgeport container attach', 'bridgeport attach'],
  args: { min: 1, max: 1 },
  flags: {
    'no-stdin': bool('Do not attach STDIN'),
    'sig-proxy': bool('Proxy all received signals to the process', { on: true }),
    'detach-keys': text('Override the key sequence for detaching a container'),
  },
  async run(context, { flags, args: [name] }) {
    const { client } = context;
    const container = await running(context, name!);
    const { Id: id, Config } = container;
    checkTty(context.io, !flags['no-stdin'], Config.Tty);
    // Asked for before attaching: the exit code is known even when the container is removed at once.
    const exit = await client.request('POST', containerPath(id, 'wait'));
    const streams = {
      stdin: !flags['no-stdin'] && Config.OpenStdin,
      stdout: true,
      stderr: true,
      tty: Config.Tty,
      detachKeys: flags['detach-keys'] || (context.config().detachKeys ?? ''),
    };
    const stopForwarding = flags['sig-proxy'] && !Config.Tty ? forwardSignals(context, id) : () => {};
    let stopResizing = () => {};
    try {
      const socket = await client.hijack('POST', containerPath(id, 'attach'), {
        query: attachQuery(streams),
      });
      // It may have stopped in between, and then nothing would ever come.
      await running(context, id);
      if (Config.Tty && context.io.stdout.isTTY) {
        await wakeTerminal(context, id);
        stopResizing = followSize(context, `/containers/${id}`);
      }
      const ending = await joinStreams(context, socket, streams);
      if (ending === 'detached') throw new Error('read escape sequence');
      const answer = JSON.parse(await readText(exit)) as {
        StatusCode: number;
        Error?: { Message: string } | null;
      };
      if (answer.Error?.Message) throw new Error(answer.Error.Message);
      return answer.StatusCode;
    } finally {
      stopResizing();
      stopForwarding();
    }
  },
});

async function running(context: CliContext, name: string): Promise<ContainerInspect> {
  const container = await context.client.json<ContainerInspect>('GET', containerPath(name, 'json'));
  const { State } = container;
  if (!State.Running) throw new Error('You cannot attach to a stopped container, start it first');
  if (State.Paused) throw new Error('You cannot attach to a paused container, unpause it first');
  if (State.Restarting) {
    throw new Error('You cannot attach to a restarting container, wait until it is running');
  }
  return container;
}

/** A shell shows its prompt again when its terminal changes size: make it change, so that one sees where one is. */
async function wakeTerminal(context: CliContext, id: string): Promise<void> {
  const { rows, columns } = context.io.stdout;
  if (!rows || !columns) return;
  const query = { h: rows + 1, w: columns + 1 };
  await context.client.text('POST', containerPath(id, 'resize'), { query }).catch(() => {});
}
