import type { ContainerInspect } from '../api/types.ts';
import { copy, demultiplex } from '../client/demultiplex.ts';
import { defineCommand } from '../command.ts';
import { bool, text } from '../flags/flag.ts';
import { timestamp } from '../flags/timestamp.ts';
import { containerPath } from './each.ts';

export const logs = defineCommand({
  use: '[OPTIONS] CONTAINER',
  summary: 'Fetch the logs of a container',
  aliases: ['bridgeport container logs', 'bridgeport logs'],
  args: { min: 1, max: 1 },
  flags: {
    follow: bool('Follow log output', { short: 'f' }),
    since: text(
      'Show logs since timestamp (e.g. "2013-01-02T13:23:37Z") or relative (e.g. "42m" for 42 minutes)',
    ),
    until: text(
      'Show logs before a timestamp (e.g. "2013-01-02T13:23:37Z") or relative (e.g. "42m" for 42 minutes)',
    ),
    timestamps: bool('Show timestamps', { short: 't' }),
    details: bool('Show extra details provided to logs'),
    tail: text('Number of lines to show from the end of the logs', { short: 'n', default: 'all' }),
  },
  async run(context, { flags, args: [name] }) {
    const { client, io } = context;
    const container = await client.json<ContainerInspect>('GET', containerPath(name!, 'json'));
    const response = await client.request('GET', containerPath(container.Id, 'logs'), {
      query: {
        stdout: true,
        stderr: true,
        follow: flags.follow,
        details: flags.details,
        timestamps: flags.timestamps,
        tail: flags.tail,
        since: timestamp(flags.since, context.now(), 'since'),
        until: timestamp(flags.until, context.now(), 'until'),
      },
    });
    if (container.Config.Tty) await copy(response, io.stdout);
    else await demultiplex(response, io.stdout, io.stderr);
    return 0;
  },
});
