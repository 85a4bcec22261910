import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { defineCommand } from '../command.ts';
import type { CliContext } from '../context.ts';
import { observeStream } from '../explain/observe.ts';
import { int, text } from '../flags/flag.ts';
import { packetLine } from '../observe/packet-line.ts';
import { PcapReader, pcapBlocks } from '../observe/pcapng.ts';

export const capture = defineCommand({
  use: '[OPTIONS] CONTAINER|NETWORK|[ADDRESS]:PORT [FILTER...]',
  summary:
    'Show packets of a container, a network or a published port, or write them to a file for Wireshark\n\nThe filter is tcpdump\'s: "tcp port 80 and not host 172.17.0.3"; tcp udp sctp icmp icmp6 arp ip ip6, host net port portrange, and or not ( ).',
  args: { min: 1 },
  flags: {
    write: text('Write pcapng to a file, or to standard output ("-")', { short: 'w' }),
    count: int('End after so many packets', { short: 'c', min: 0 }),
    snaplen: int('Keep so many bytes of each packet (default: all)', { short: 's', min: 0 }),
  },
  async run(context, { flags, args: [target = '', ...filter] }) {
    const { write } = flags;
    if (write === '-' && context.io.stdout.isTTY) {
      throw new Error('refusing to write packets to a terminal: redirect the output, or give -w a file');
    }
    const stop = new AbortController();
    const interrupt = () => stop.abort();
    process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
    try {
      const response = await observeStream(
        context,
        '/bridgeport/capture',
        {
          target,
          filter: filter.join(' '),
          count: flags.count === 0 ? undefined : String(flags.count),
          snaplen: flags.snaplen === 0 ? undefined : String(flags.snaplen),
        },
        stop.signal,
      );
      const output =
        write === ''
          ? undefined
          : write === '-'
            ? context.io.stdout
            : createWriteStream(write, { mode: 0o600 });
      const { packets, lost } = await consume(context, response, stop.signal, output);
      if (output !== undefined && output !== context.io.stdout) {
        output.end();
        await finished(output);
      }
      context.err(
        `${packets} packet${packets === 1 ? '' : 's'}${lost > 0 ? `, ${lost} lost because they came too fast` : ''}\n`,
      );
      return 0;
    } catch (error) {
      if (stop.signal.aborted) return 0;
      throw error;
    } finally {
      process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
    }
  },
});

/** Whole blocks to `output`, or else lines; until the daemon or the user ends it. */
async function consume(
  context: CliContext,
  response: Readable,
  signal: AbortSignal,
  output: Writable | undefined,
): Promise<{ packets: number; lost: number }> {
  const reader = new PcapReader();
  let packets = 0;
  // A file that cannot be written ends the capture, by the write that follows.
  let failure: Error | undefined;
  output?.on('error', (error) => {
    failure = error;
  });
  try {
    for await (const block of pcapBlocks(response)) {
      if (failure !== undefined) throw failure;
      const packet = reader.read(block);
      if (packet !== undefined) packets++;
      if (output === undefined) {
        if (packet !== undefined) context.out(`${packetLine(packet)}\n`);
      } else if (!output.write(block.bytes)) {
        await once(output, 'drain');
      }
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  return { packets, lost: reader.lost };
}
