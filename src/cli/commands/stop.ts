import { defineCommand } from '../command.ts';
import { int, text } from '../flags/flag.ts';
import { containerPath, forEachName } from './each.ts';

/** The flags of `stop` and `restart`. */
const flags = {
  signal: text('Signal to send to the container', { short: 's' }),
  timeout: int('Seconds to wait before killing the container', { short: 't' }),
  time: int('Seconds to wait before killing the container', { hidden: true, aliasOf: 'timeout' }),
};

export const stop = defineCommand({
  use: '[OPTIONS] CONTAINER [CONTAINER...]',
  summary: 'Stop one or more running containers',
  aliases: ['bridgeport container stop', 'bridgeport stop'],
  args: { min: 1 },
  flags,
  run: (context, { flags: { signal, timeout }, given, args }) =>
    forEachName(context, args, (name) =>
      context.client.text('POST', containerPath(name, 'stop'), {
        query: { signal, t: given.has('timeout') ? timeout : undefined },
      }),
    ),
});

export const restart = defineCommand({
  use: '[OPTIONS] CONTAINER [CONTAINER...]',
  summary: 'Restart one or more containers',
  aliases: ['bridgeport container restart', 'bridgeport restart'],
  args: { min: 1 },
  flags,
  run: (context, { flags: { signal, timeout }, given, args }) =>
    forEachName(context, args, (name) =>
      context.client.text('POST', containerPath(name, 'restart'), {
        query: { signal, t: given.has('timeout') ? timeout : undefined },
      }),
    ),
});
