import type { CliContext } from '../context.ts';

/** Signals that are passed on to the container. SIGWINCH is not among them: a resize says it better. */
const FORWARDED = [
  'SIGHUP',
  'SIGINT',
  'SIGQUIT',
  'SIGTERM',
  'SIGUSR1',
  'SIGUSR2',
  'SIGALRM',
  'SIGCONT',
  'SIGTSTP',
  'SIGTTIN',
  'SIGTTOU',
] as const;

/** After this many interrupts the command line gives up waiting for the container. */
const PATIENCE = 3;

/** Passes signals on to container `id` until the returned function is called. */
export function forwardSignals(context: CliContext, id: string): () => void {
  let interrupts = 0;
  const forward = (signal: NodeJS.Signals) => {
    if (signal === 'SIGINT' || signal === 'SIGTERM') {
      interrupts++;
      if (interrupts === PATIENCE) {
        context.err('\ngot 3 SIGTERM/SIGINTs, forcefully exiting\n');
        process.exit(1);
      }
    }
    // The container may be gone by now; its exit is reported elsewhere.
    context.client
      .text('POST', `/containers/${id}/kill`, { query: { signal: signal.slice(3) } })
      .catch(() => {});
  };
  for (const signal of FORWARDED) process.on(signal, forward);
  return () => {
    for (const signal of FORWARDED) process.off(signal, forward);
  };
}
