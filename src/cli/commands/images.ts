import type { ImageSummary } from '../api/types.ts';
import { defineCommand } from '../command.ts';
import type { CliContext } from '../context.ts';
import { filterFlag, filterQuery } from '../flags/filters.ts';
import { bool, text } from '../flags/flag.ts';
import { shortId } from '../format/ids.ts';
import { type ListView, type Row, renderList } from '../format/list.ts';
import { splitReference } from '../format/reference.ts';
import { humanSize } from '../format/size.ts';
import { goTime, humanDuration } from '../format/time.ts';

const HEADERS = {
  ID: 'IMAGE ID',
  Repository: 'REPOSITORY',
  Tag: 'TAG',
  Digest: 'DIGEST',
  CreatedSince: 'CREATED',
  CreatedAt: 'CREATED AT',
  Size: 'SIZE',
  Containers: 'CONTAINERS',
  VirtualSize: 'SIZE',
  SharedSize: 'SHARED SIZE',
  UniqueSize: 'UNIQUE SIZE',
};

const TABLE = '{{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}';
const DIGESTS = '{{.Repository}}\t{{.Tag}}\t{{.Digest}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}';

export const images = defineCommand({
  use: '[OPTIONS] [REPOSITORY[:TAG]]',
  summary: 'List images',
  aliases: ['bridgeport image ls', 'bridgeport image list', 'bridgeport images'],
  args: { min: 0, max: 1 },
  flags: {
    quiet: bool('Only show image IDs', { short: 'q' }),
    all: bool('Show all images (default hides intermediate images)', { short: 'a' }),
    'no-trunc': bool("Don't truncate output"),
    digests: bool('Show digests'),
    format: text(
      "Format output using a custom template:\n'table':            Print output in table format with column headers (default)\n'table TEMPLATE':   Print output in table format using the given Go template\n'json':             Print in JSON format\n'TEMPLATE':         Print output using the given Go template.",
    ),
    filter: filterFlag(),
  },
  async run(context, { flags, args: [reference] }) {
    const filters = [...flags.filter];
    if (reference !== undefined) filters.push(`reference=${reference}`);
    const found = await context.client.json<ImageSummary[]>('GET', '/images/json', {
      query: { all: flags.all, filters: filterQuery(filters) },
    });
    const chosen = flags.format || (flags.quiet ? '' : (context.config().imagesFormat ?? ''));
    const format = flags.quiet ? '{{.ID}}' : chosen;
    const digests = flags.digests || format.includes('.Digest') || format === 'json';
    const view: ListView = {
      type: '*formatter.imageContext',
      table: flags.digests ? DIGESTS : TABLE,
      headers: HEADERS,
    };
    const rows = found.flatMap((image) =>
      imageRows(context, image, { trunc: !flags['no-trunc'], digests, quiet: flags.quiet }),
    );
    context.out(renderList(view, rows, format));
    return 0;
  },
});

/** One row per name of the image; one with `<none>` when it has no name. */
function imageRows(
  context: CliContext,
  image: ImageSummary,
  options: { trunc: boolean; digests: boolean; quiet: boolean },
): Row[] {
  const tags = (image.RepoTags ?? []).filter((tag) => tag !== '<none>:<none>');
  const digests = (image.RepoDigests ?? []).filter((digest) => digest !== '<none>@<none>');
  const names: Array<{ repository: string; tag: string; digest: string }> = [];
  for (const typed of tags) {
    const { name, tag } = splitReference(typed);
    const known = digests.map(splitReference).filter((digest) => digest.name === name);
    const shown = options.digests && known.length > 0 ? known.map(({ digest }) => digest) : ['<none>'];
    for (const digest of shown) names.push({ repository: name, tag, digest });
  }
  if (tags.length === 0) {
    for (const typed of digests.length > 0 ? digests : ['<none>@<none>']) {
      const { name, digest } = splitReference(typed);
      names.push({ repository: name, tag: '<none>', digest: digest || '<none>' });
    }
  }
  if (options.quiet) names.splice(1);
  const created = image.Created * 1000;
  return names.map(({ repository, tag, digest }) => ({
    ID: options.trunc ? shortId(image.Id) : image.Id,
    Repository: repository,
    Tag: tag,
    Digest: digest,
    CreatedSince: created > 0 ? `${humanDuration(context.now() - created)} ago` : 'N/A',
    CreatedAt: goTime(created),
    Size: humanSize(image.Size, 3),
    VirtualSize: humanSize(image.Size),
    Containers: countOrUnknown(image.Containers),
    SharedSize: sizeOrUnknown(image.SharedSize),
    UniqueSize:
      image.SharedSize === undefined || image.SharedSize < 0
        ? 'N/A'
        : humanSize(image.Size - image.SharedSize, 3),
  }));
}

const countOrUnknown = (count = -1) => (count < 0 ? 'N/A' : String(count));
const sizeOrUnknown = (size = -1) => (size < 0 ? 'N/A' : humanSize(size, 3));
