import type { CliContext } from '../context.ts';

/** Tries after the first, 10 ms, 20 ms, … apart: the process behind the terminal may not be there yet. */
const TRIES = 10;

/**
 * Tells the daemon the size of our terminal now and whenever it changes. `path` is `/containers/ID` or `/exec/ID`.
 * Returns the function that stops following.
 */
export function followSize(context: CliContext, path: string): () => void {
  const { stdout } = context.io;
  let stopped = false;
  const send = async () => {
    const { rows: h, columns: w } = stdout;
    if (!h || !w) return;
    await context.client.text('POST', `${path}/resize`, { query: { h, w } });
  };
  const first = async () => {
    for (let attempt = 0; !stopped; attempt++) {
      try {
        return await send();
      } catch {
        if (attempt === TRIES) {
          if (!stopped) context.err('failed to resize tty, using default size\n');
          return;
        }
        await new Promise((resolve) => setTimeout(resolve, (attempt + 1) * 10));
      }
    }
  };
  const changed = () => {
    // A lost resize is repaired by the next one; there is nobody to tell while the terminal is raw.
    send().catch(() => {});
  };
  void first();
  stdout.on('resize', changed);
  return () => {
    stopped = true;
    stdout.off('resize', changed);
  };
}
