import type { PortExposure } from '../../base/wire/index.ts';
import type { ContainerSummary } from '../api/types.ts';
import { defineCommand } from '../command.ts';
import type { CliContext } from '../context.ts';
import { observe } from '../explain/observe.ts';
import { filterFlag, filterQuery } from '../flags/filters.ts';
import { bool, int, text } from '../flags/flag.ts';
import { EXPOSURE_VIEW, exposureRow } from '../format/exposure.ts';
import { shortId } from '../format/ids.ts';
import { type ListView, type Row, renderList, usesField } from '../format/list.ts';
import { displayPorts } from '../format/ports.ts';
import { splitReference } from '../format/reference.ts';
import { humanSize } from '../format/size.ts';
import { goTime, humanDuration } from '../format/time.ts';
import { ellipsis } from '../format/width.ts';

const TABLE = '{{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t{{.Ports}}\t{{.Names}}';

const VIEW: ListView = {
  type: '*formatter.ContainerContext',
  table: TABLE,
  raw: `container_id: {{.ID}}
image: {{.Image}}
command: {{.Command}}
created_at: {{.CreatedAt}}
state: {{- pad .State 1 0}}
status: {{- pad .Status 1 0}}
names: {{.Names}}
labels: {{- pad .Labels 1 0}}
ports: {{- pad .Ports 1 0}}
`,
  headers: {
    ID: 'CONTAINER ID',
    Names: 'NAMES',
    Image: 'IMAGE',
    Command: 'COMMAND',
    CreatedAt: 'CREATED AT',
    RunningFor: 'CREATED',
    Ports: 'PORTS',
    State: 'STATE',
    Status: 'STATUS',
    Size: 'SIZE',
    Labels: 'LABELS',
    Mounts: 'MOUNTS',
    LocalVolumes: 'LOCAL VOLUMES',
    Networks: 'NETWORKS',
    Platform: 'PLATFORM',
  },
};

export const ps = defineCommand({
  use: '[OPTIONS]',
  summary: 'List containers',
  aliases: [
    'bridgeport container ls',
    'bridgeport container list',
    'bridgeport container ps',
    'bridgeport ps',
  ],
  args: { min: 0, max: 0 },
  flags: {
    all: bool('Show all containers (default shows just running)', { short: 'a' }),
    quiet: bool('Only display container IDs', { short: 'q' }),
    size: bool('Display total file sizes', { short: 's' }),
    'no-trunc': bool("Don't truncate output"),
    latest: bool('Show the latest created container (includes all states)', { short: 'l' }),
    last: int('Show n last created containers (includes all states)', { short: 'n', initial: -1 }),
    format: text(
      "Format output using a custom template:\n'table':            Print output in table format with column headers (default)\n'table TEMPLATE':   Print output in table format using the given Go template\n'json':             Print in JSON format\n'TEMPLATE':         Print output using the given Go template.\nRefer to https://docs.docker.com/go/formatting/ for more information about formatting output with templates",
    ),
    filter: filterFlag(),
    exposure: bool('Say for each published port who can reach it'),
  },
  async run(context, { flags }) {
    const chosen = flags.format || (flags.quiet ? '' : (context.config().psFormat ?? ''));
    const limit = flags.latest ? 1 : flags.last;
    const containers = await context.client.json<ContainerSummary[]>('GET', '/containers/json', {
      query: {
        all: flags.all,
        limit: limit > 0 ? limit : undefined,
        size: flags.size || usesField(chosen, 'Size'),
        filters: filterQuery(flags.filter),
      },
    });
    if (flags.exposure) {
      const shown = new Set(containers.map(({ Id }) => Id));
      const ports = (await observe<PortExposure[]>(context, '/bridgeport/exposure', {})).filter(
        ({ container }) => shown.has(container.id),
      );
      context.out(renderList(EXPOSURE_VIEW, ports.map(exposureRow), flags.format));
      return 0;
    }
    const view = flags.size ? { ...VIEW, table: `${TABLE}\t{{.Size}}` } : VIEW;
    const rows = containers.map((container) => row(context, container, !flags['no-trunc']));
    context.out(renderList(view, rows, flags.quiet ? '{{.ID}}' : chosen));
    return 0;
  },
});

function row(context: CliContext, container: ContainerSummary, trunc: boolean): Row {
  const labels = container.Labels ?? {};
  const mounts = container.Mounts ?? [];
  const created = container.Created * 1000;
  const names = (container.Names ?? []).map((name) => name.slice(1));
  // Links make further names, `other/alias`; the first plain one is the container's own.
  const own = names.find((name) => !name.includes('/'));
  const mountNames = mounts.map((mount) => mount.Name || mount.Source);
  return {
    ID: trunc ? shortId(container.Id) : container.Id,
    Names: trunc && own !== undefined ? own : names.join(','),
    Image: imageName(container, trunc),
    Command: JSON.stringify(trunc ? ellipsis(container.Command, 20) : container.Command),
    CreatedAt: goTime(created),
    RunningFor: `${humanDuration(context.now() - created)} ago`,
    Ports: displayPorts(container.Ports ?? []),
    State: container.State,
    Status: container.Status,
    Size: sizeText(container),
    Labels: Object.entries(labels)
      .map(([key, value]) => `${key}=${value}`)
      .sort()
      .join(','),
    Label: (name: unknown) => labels[String(name)] ?? '',
    Mounts: mountNames.map((name) => (trunc ? ellipsis(name, 15) : name)).join(','),
    LocalVolumes: String(mounts.filter((mount) => mount.Driver === 'local').length),
    Networks: Object.keys(container.NetworkSettings?.Networks ?? {}).join(','),
    Platform: null,
  };
}

function imageName({ Image, ImageID }: ContainerSummary, trunc: boolean): string {
  if (Image === '') return '<no image>';
  if (!trunc) return Image;
  if (ImageID && shortId(ImageID) === shortId(Image)) return shortId(ImageID);
  const { name, tag } = splitReference(Image);
  return tag === '' ? name : `${name}:${tag}`;
}

function sizeText({ SizeRw = 0, SizeRootFs = 0 }: ContainerSummary): string {
  const own = humanSize(SizeRw, 3);
  return SizeRootFs > 0 ? `${own} (virtual ${humanSize(SizeRootFs, 3)})` : own;
}
