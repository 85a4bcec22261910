import { defineCommand } from '../command.ts';
import { containerPath } from './each.ts';

/** `Kind` of a change, as the API numbers them. */
const KINDS = ['C', 'A', 'D'];

export const diff = defineCommand({
  use: 'CONTAINER',
  summary: "Inspect changes to files or directories on a container's filesystem",
  aliases: ['bridgeport container diff', 'bridgeport diff'],
  args: { min: 1, max: 1 },
  flags: {},
  async run(context, { args: [name] }) {
    const changes = await context.client.json<Array<{ Path: string; Kind: number }> | null>(
      'GET',
      containerPath(name!, 'changes'),
    );
    for (const { Path, Kind } of changes ?? []) context.out(`${KINDS[Kind] ?? '?'} ${Path}\n`);
    return 0;
  },
});
