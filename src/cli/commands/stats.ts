import { isKind, messageOf } from '../../base/errors.ts';
import type { ContainerSummary } from '../api/types.ts';
import { jsonLines } from '../client/json-lines.ts';
import { defineCommand } from '../command.ts';
import type { CliContext } from '../context.ts';
import { bool, text } from '../flags/flag.ts';
import { renderList } from '../format/list.ts';
import { type Sample, type StatsAnswer, sample, statsRow, statsView } from '../format/stats.ts';
import { containerPath } from './each.ts';

/** Milliseconds between two drawings. */
const INTERVAL = 500;

/** Milliseconds after which a container that sends nothing is listed anyway. */
const PATIENCE = 2000;

export const stats = defineCommand({
  use: '[OPTIONS] [CONTAINER...]',
  summary: 'Display a live stream of container(s) resource usage statistics',
  aliases: ['bridgeport container stats', 'bridgeport stats'],
  args: { min: 0 },
  flags: {
    all: bool('Show all containers (default shows just running)', { short: 'a' }),
    'no-stream': bool('Disable streaming stats and only pull the first result'),
    'no-trunc': bool('Do not truncate output'),
    format: text(
      "Format output using a custom template:\n'table':            Print output in table format with column headers (default)\n'table TEMPLATE':   Print output in table format using the given Go template\n'json':             Print in JSON format\n'TEMPLATE':         Print output using the given Go template.",
    ),
  },
  async run(context, { flags, args }) {
    const watched = new Watched(context, !flags['no-stream']);
    const follow = args.length === 0 && !flags['no-stream'];
    if (follow) void followContainers(context, watched, flags.all);
    const names = args.length > 0 ? args : await containerIds(context, flags.all);
    for (const name of names) watched.add(name);
    await watched.firstSamples();
    if (args.length > 0 && watched.failures.length > 0) throw new Error(watched.failures.join('\n'));

    const draw = () => {
      const rows = watched.samples().map((entry) => statsRow(entry, !flags['no-trunc']));
      return renderList(statsView, rows, flags.format);
    };
    if (flags['no-stream']) {
      context.out(draw());
      return 0;
    }
    for (;;) {
      // One write from the top left, every line and the rest of the screen cleared: no flicker.
      context.out(`\x1b[H${draw().replaceAll('\n', ' \x1b[K\n')}\x1b[J`);
      if (!follow && watched.size === 0) return 0;
      await new Promise((resolve) => setTimeout(resolve, INTERVAL));
    }
  },
});

/** The containers that are watched, each with its latest sample. */
class Watched {
  readonly failures: string[] = [];
  readonly #context: CliContext;
  readonly #stream: boolean;
  readonly #entries = new Map<string, { sample: Sample; first: Promise<void> }>();

  constructor(context: CliContext, stream: boolean) {
    this.#context = context;
    this.#stream = stream;
  }

  get size(): number {
    return this.#entries.size;
  }

  samples(): Sample[] {
    return [...this.#entries.values()].map((entry) => entry.sample);
  }

  remove(name: string): void {
    this.#entries.delete(name);
  }

  add(name: string): void {
    if (this.#entries.has(name)) return;
    const first = Promise.withResolvers<void>();
    this.#entries.set(name, { sample: { Container: name }, first: first.promise });
    void this.#collect(name, first.resolve);
  }

  async firstSamples(): Promise<void> {
    await Promise.all([...this.#entries.values()].map((entry) => entry.first));
  }

  async #collect(name: string, arrived: () => void): Promise<void> {
    const timer = setTimeout(arrived, PATIENCE + (this.#stream ? 0 : PATIENCE));
    try {
      const response = await this.#context.client.request('GET', containerPath(name, 'stats'), {
        query: { stream: this.#stream ? true : '0' },
      });
      for await (const answer of jsonLines<StatsAnswer>(response)) {
        const entry = this.#entries.get(name);
        if (entry === undefined) break;
        entry.sample = sample(name, answer);
        arrived();
      }
    } catch (error) {
      if (isKind(error, 'not-found')) this.#entries.delete(name);
      this.failures.push(messageOf(error));
    } finally {
      clearTimeout(timer);
      arrived();
    }
  }
}

async function containerIds(context: CliContext, all: boolean): Promise<string[]> {
  const list = await context.client.json<ContainerSummary[]>('GET', '/containers/json', { query: { all } });
  return list.map(({ Id }) => Id.slice(0, 12));
}

/** Adds containers that start (or are created) and drops those that end, as long as the daemon tells. */
async function followContainers(context: CliContext, watched: Watched, all: boolean): Promise<void> {
  const response = await context.client.request('GET', '/events', {
    query: { filters: { type: { container: true } } },
  });
  for await (const event of jsonLines<{ Action: string; Actor: { ID: string } }>(response)) {
    const id = event.Actor.ID.slice(0, 12);
    if (event.Action === 'start' || (all && event.Action === 'create')) watched.add(id);
    if (event.Action === 'destroy' || (!all && event.Action === 'die')) watched.remove(id);
  }
}
