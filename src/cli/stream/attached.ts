import type { Duplex } from 'node:stream';
import { copy, demultiplex } from '../client/demultiplex.ts';
import type { CliContext } from '../context.ts';
import { DEFAULT_DETACH_KEYS, detachKeyBytes, EscapeFilter } from '../terminal/escape.ts';
import { rawTerminal } from '../terminal/raw.ts';

/** How a hijacked connection is joined to our own streams. */
export interface AttachedStreams {
  stdin: boolean;
  stdout: boolean;
  stderr: boolean;
  /** One raw stream when the container has a terminal, frames when it has not. */
  tty: boolean;
  /** Empty for Ctrl-P Ctrl-Q. */
  detachKeys: string;
}

/** How it ended: the other side closed, or the detach keys were typed. */
export type Ending = 'closed' | 'detached';

/**
 * Joins our streams to `socket` until the output ends, the user detaches, or, without any output, the input ends.
 * The end of our input closes the write side of the connection (`echo hi | bridgeport run -i …`).
 */
export async function joinStreams(
  context: CliContext,
  socket: Duplex,
  streams: AttachedStreams,
): Promise<Ending> {
  const restore = streams.stdin && streams.tty ? rawTerminal(context.io) : () => {};
  const input = pumpInput(context, socket, streams);
  try {
    if (!streams.stdout && !streams.stderr) return await input.ended;
    return await Promise.race([readOutput(context, socket, streams), input.detached]);
  } finally {
    restore();
    input.stop();
    socket.destroy();
  }
}

async function readOutput(
  { io }: CliContext,
  socket: Duplex,
  { stdout, stderr, tty }: AttachedStreams,
): Promise<Ending> {
  const out = stdout ? io.stdout : undefined;
  try {
    if (tty) await copy(socket, out);
    else await demultiplex(socket, out, stderr ? io.stderr : undefined);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== 'ECONNRESET' && code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error;
  }
  return 'closed';
}

function pumpInput({ io }: CliContext, socket: Duplex, streams: AttachedStreams) {
  // A write after the other side has closed fails; the output side tells how it ended.
  socket.on('error', () => {});
  let finish: (ending: Ending) => void = () => {};
  let detach: (ending: Ending) => void = () => {};
  const ended = new Promise<Ending>((resolve) => {
    finish = resolve;
  });
  const detached = new Promise<Ending>((resolve) => {
    detach = resolve;
  });
  if (!streams.stdin) {
    if (!streams.stdout && !streams.stderr) finish('closed');
    socket.end();
    return { ended, detached, stop: () => {} };
  }

  const filter = streams.tty ? new EscapeFilter(escapeKeys(streams.detachKeys)) : undefined;
  const { stdin } = io;
  const data = (chunk: Buffer) => {
    const { output, detached: left } = filter?.push(chunk) ?? { output: chunk, detached: false };
    if (output.length > 0 && !socket.write(output)) {
      stdin.pause();
      socket.once('drain', () => stdin.resume());
    }
    if (left) {
      detach('detached');
      finish('detached');
    }
  };
  const end = () => {
    socket.end();
    finish('closed');
  };
  stdin.on('data', data);
  stdin.once('end', end);
  stdin.once('error', end);
  socket.once('close', () => finish('closed'));
  return {
    ended,
    detached,
    stop: () => {
      stdin.off('data', data);
      stdin.off('end', end);
      stdin.off('error', end);
      stdin.pause();
    },
  };
}

/** A sequence that cannot be read must not lock the user in: the usual keys work then. */
function escapeKeys(keys: string): number[] {
  try {
    return detachKeyBytes(keys || DEFAULT_DETACH_KEYS);
  } catch {
    return detachKeyBytes(DEFAULT_DETACH_KEYS);
  }
}
