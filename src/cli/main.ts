import { runCli } from './cli.ts';

// A reader that has seen enough (`bridgeport ps | head -1`) is not an error of ours: end as SIGPIPE would.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(141);
    throw error;
  });
}

// Interrupted, end with the exit code that a shell would report: scripts compare it. A command that passes signals on
// to its container listens by itself, and then the signal is not for us.
for (const [signal, number] of [
  ['SIGINT', 2],
  ['SIGTERM', 15],
] as const) {
  process.on(signal, () => {
    if (process.listenerCount(signal) === 1) process.exit(128 + number);
  });
}

const { stdout, stderr, env } = process;
const io = {
  stdout,
  stderr,
  // Opened when a command first reads it: most never do.
  get stdin() {
    return process.stdin;
  },
};
const code = await runCli(process.argv.slice(2), io, env);
await new Promise((resolve) => stdout.write('', resolve));
await new Promise((resolve) => stderr.write('', resolve));
process.exit(code);
