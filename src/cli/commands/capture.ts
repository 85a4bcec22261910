import { once } from 'node:events';
import { createWriteStream, openSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import type { CaptureLine } from '../../base/wire/capture.ts';
import { jsonLines } from '../client/json-lines.ts';
import { defineCommand } from '../command.ts';
import type { CliContext } from '../context.ts';
import { observeStream } from '../explain/observe.ts';
import { bool, int, text } from '../flags/flag.ts';
import { packetLine } from '../observe/packet-line.ts';
import { PcapCounter, pcapBlocks } from '../observe/pcapng.ts';

export const capture = defineCommand({
  use: '[OPTIONS] CONTAINER|NETWORK|[ADDRESS]:PORT [FILTER...]',
  summary:
    'Show packets of a container, a network or a published port, or write them to a file for Wireshark\n\nThe filter is tcpdump\'s: "tcp port 80 and not host 172.17.0.3"; tcp udp sctp icmp icmp6 arp ip ip6, host net port portrange, and or not ( ). A host may be a container\'s name.',
  args: { min: 1 },
  flags: {
    write: text('Write pcapng to a file, or to standard output ("-")', { short: 'w' }),
    json: bool('Print JSON, a value a line: what the headers say, with names'),
    count: int('End after so many packets', { short: 'c', min: 0 }),
    snaplen: int('Keep so many bytes of each packet (default: all with --write, headers otherwise)', {
      short: 's',
      min: 0,
    }),
  },
  async run(context, { flags, args: [target = '', ...filter] }) {
    const { write, json } = flags;
    if (write !== '' && json) throw new Error('--json prints packets, --write writes them: choose one');
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
          format: write === '' ? 'json' : 'pcapng',
        },
        stop.signal,
      );
      const { packets, lost } =
        write === ''
          ? await printed(context, response, json, stop.signal)
          : await written(context, response, write, stop.signal);
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

interface Counts {
  packets: number;
  lost: number;
}

/** A line for each packet, until the daemon or the user ends it. */
async function printed(
  context: CliContext,
  response: Readable,
  json: boolean,
  signal: AbortSignal,
): Promise<Counts> {
  const counts = { packets: 0, lost: 0 };
  await untilStopped(signal, async () => {
    for await (const line of jsonLines<CaptureLine>(response)) {
      if (line.event === 'packet') counts.packets++;
      else counts.lost += line.packets;
      if (json) context.out(`${JSON.stringify(line)}\n`);
      else if (line.event === 'packet') context.out(`${packetLine(line)}\n`);
    }
  });
  return counts;
}

/** Whole blocks to the file, until the daemon or the user ends it. */
async function written(
  context: CliContext,
  response: Readable,
  file: string,
  signal: AbortSignal,
): Promise<Counts> {
  const output: Writable =
    file === '-' ? context.io.stdout : createWriteStream(file, { fd: openSync(file, 'w', 0o600) });
  const counter = new PcapCounter();
  // A disk that is full ends the capture, by the write that follows.
  let failure: Error | undefined;
  output.on('error', (error) => {
    failure = error;
  });
  await untilStopped(signal, async () => {
    for await (const block of pcapBlocks(response)) {
      if (failure !== undefined) throw failure;
      counter.count(block);
      if (!output.write(block.bytes)) await once(output, 'drain');
    }
  });
  if (output !== context.io.stdout) {
    output.end();
    await finished(output);
  }
  return { packets: counter.packets, lost: counter.lost };
}

/** What stops by the user's will has not failed. */
async function untilStopped(signal: AbortSignal, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
