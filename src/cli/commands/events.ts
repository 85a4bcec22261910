import { messageOf } from '../../base/errors.ts';
import { ExitError } from '../client/errors.ts';
import { textLines } from '../client/json-lines.ts';
import { defineCommand } from '../command.ts';
import { filterFlag, filterQuery } from '../flags/filters.ts';
import { text } from '../flags/flag.ts';
import { timestamp } from '../flags/timestamp.ts';
import { rfc3339 } from '../format/time.ts';
import { Template } from '../template/template.ts';
import { fromJson } from '../template/values.ts';

interface Event {
  Type: string;
  Action: string;
  Actor: { ID: string; Attributes?: Record<string, string> };
  /** Seconds since 1970. */
  time?: number;
}

export const events = defineCommand({
  use: '[OPTIONS]',
  summary: 'Get real time events from the server',
  aliases: ['bridgeport system events', 'bridgeport events'],
  args: { min: 0, max: 0 },
  flags: {
    since: text('Show all events created since timestamp'),
    until: text('Stream events until this timestamp'),
    filter: filterFlag(),
    format: text(
      "Format output using a custom template:\n'json':             Print in JSON format\n'TEMPLATE':         Print output using the given Go template.",
    ),
  },
  async run(context, { flags }) {
    const template = readTemplate(flags.format);
    const response = await context.client.request('GET', '/events', {
      query: {
        since: timestamp(flags.since, context.now(), 'since'),
        until: timestamp(flags.until, context.now(), 'until'),
        filters: filterQuery(flags.filter),
      },
    });
    for await (const line of textLines(response)) {
      const event = JSON.parse(line) as Event;
      // A number of 19 digits is more than JavaScript keeps: its text is read for itself.
      const nanoseconds = /"timeNano":(\d+)/.exec(line)?.[1] ?? `${event.time ?? 0}000000000`;
      const data = { ...event, Time: event.time, TimeNano: nanoseconds };
      if (flags.format === 'json') context.out(`${line.trim()}\n`);
      else context.out(`${template ? template.render(fromJson(data)) : eventLine(event, nanoseconds)}\n`);
    }
    return 0;
  },
});

function readTemplate(format: string): Template | undefined {
  if (format === '' || format === 'json') return undefined;
  try {
    return new Template(format);
  } catch (error) {
    throw new ExitError(64, `Error parsing format: ${messageOf(error)}`);
  }
}

function eventLine({ Type, Action, Actor }: Event, nanoseconds: string): string {
  const attributes = Object.entries(Actor.Attributes ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${value}`);
  const details = attributes.length > 0 ? ` (${attributes.join(', ')})` : '';
  return `${eventTime(nanoseconds)} ${Type} ${Action} ${Actor.ID}${details}`;
}

/** Local time with all nine digits, so that lines align. */
function eventTime(nanoseconds: string): string {
  const [whole, zone = 'Z'] = rfc3339(Number(nanoseconds.slice(0, -9)) * 1000).split(/(?=Z|[+-]\d\d:\d\d$)/);
  return `${whole}.${nanoseconds.slice(-9)}${zone}`;
}
