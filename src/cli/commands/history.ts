import { defineCommand } from '../command.ts';
import { bool, text } from '../flags/flag.ts';
import { shortId } from '../format/ids.ts';
import { renderList } from '../format/list.ts';
import { humanSize } from '../format/size.ts';
import { humanDuration, rfc3339 } from '../format/time.ts';
import { ellipsis } from '../format/width.ts';
import { imagePath } from './tag.ts';

interface HistoryItem {
  Id: string;
  Created: number;
  CreatedBy: string;
  Size: number;
  Comment: string;
}

/** Layers older than this were given no real date. */
const EPOCH = Date.UTC(2000, 0, 1);

export const history = defineCommand({
  use: '[OPTIONS] IMAGE',
  summary: 'Show the history of an image',
  aliases: ['bridgeport image history', 'bridgeport history'],
  args: { min: 1, max: 1 },
  flags: {
    human: bool('Print sizes and dates in human readable format', { short: 'H', on: true }),
    quiet: bool('Only show image IDs', { short: 'q' }),
    'no-trunc': bool("Don't truncate output"),
    format: text('Format output using a custom template'),
  },
  async run(context, { flags, args: [name] }) {
    const items = await context.client.json<HistoryItem[]>('GET', `/images/${imagePath(name!)}/history`);
    const trunc = !flags['no-trunc'];
    const rows = items.map((item) => {
      const created = item.Created * 1000;
      const since = created <= EPOCH ? 'N/A' : `${humanDuration(context.now() - created)} ago`;
      const by = item.CreatedBy.replaceAll('\t', ' ');
      return {
        ID: trunc ? shortId(item.Id) : item.Id,
        CreatedAt: rfc3339(created),
        CreatedSince: flags.human ? since : rfc3339(created),
        CreatedBy: trunc ? ellipsis(by, 45) : by,
        Size: flags.human ? humanSize(item.Size, 3) : String(item.Size),
        Comment: item.Comment,
      };
    });
    const when = flags.human ? 'CreatedSince' : 'CreatedAt';
    const view = {
      type: '*image.historyContext',
      table: `{{.ID}}\t{{.${when}}}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}`,
      headers: {
        ID: 'IMAGE',
        CreatedSince: 'CREATED',
        CreatedAt: 'CREATED AT',
        CreatedBy: 'CREATED BY',
        Size: 'SIZE',
        Comment: 'COMMENT',
      },
    };
    context.out(renderList(view, rows, flags.quiet ? '{{.ID}}' : flags.format));
    return 0;
  },
});
