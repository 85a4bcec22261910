import { setTimeout as sleep } from 'node:timers/promises';
import type { CliContext } from '../context.ts';
import { type DrawOptions, drawMap } from './draw.ts';
import { fetchMap } from './fetch.ts';
import { ratesBetween } from './rates.ts';

/** Milliseconds between two pictures. */
const INTERVAL = 1000;

export interface WatchOptions extends Omit<DrawOptions, 'width' | 'rates'> {
  /** Undefined: as wide as the terminal is at the moment. */
  width: number | undefined;
  /** A JSON value a line in place of pictures: `{ "map": …, "rates": { "veth…": … } }`. */
  json: boolean;
}

/** Draws again and again, with what went over the links since the picture before; until the process is ended. */
export async function watchMap(
  context: CliContext,
  names: readonly string[],
  options: WatchOptions,
): Promise<never> {
  const { stdout } = context.io;
  const look = async () => {
    const { traffic, ...map } = await fetchMap(context, names, { traffic: true });
    if (traffic === undefined)
      throw new Error(map.host.note ?? 'the daemon does not tell what its links carry');
    return { map, traffic };
  };
  for (let before = (await look()).traffic; ; ) {
    await sleep(INTERVAL);
    const { map, traffic } = await look();
    const rates = ratesBetween(before, traffic);
    before = traffic;
    if (options.json) {
      const byName = traffic.links.flatMap(({ name, index }) => {
        const rate = rates.get(index);
        return rate === undefined ? [] : [[name, rate] as const];
      });
      context.out(`${JSON.stringify({ map, rates: Object.fromEntries(byName) })}\n`);
      continue;
    }
    const width = options.width ?? (stdout.columns || 100);
    const picture = drawMap(map, { ...options, width, rates });
    context.out(stdout.isTTY === true ? onScreen(picture, stdout.rows) : `${picture}\n`);
  }
}

/** One write from the top left, every line and the rest of the screen cleared: no flicker. What does not fit is said. */
function onScreen(picture: string, rows: number | undefined): string {
  const lines = picture.trimEnd().split('\n');
  const room = (rows ?? Number.POSITIVE_INFINITY) - 1;
  const shown =
    lines.length <= room ? lines : [...lines.slice(0, room - 1), `… ${lines.length - room + 1} more lines`];
  return `\x1b[H${shown.map((line) => `${line}\x1b[K\n`).join('')}\x1b[J`;
}
