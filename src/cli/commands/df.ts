import type { ContainerSummary, ImageSummary } from '../api/types.ts';
import { defineCommand } from '../command.ts';
import { text } from '../flags/flag.ts';
import { renderList } from '../format/list.ts';
import { humanSize } from '../format/size.ts';

interface DiskUsage {
  LayersSize?: number;
  Images?: ImageSummary[] | null;
  Containers?: ContainerSummary[] | null;
  Volumes?: Array<{ UsageData?: { Size: number; RefCount: number } | null }> | null;
  BuildCache?: Array<{ Size: number; InUse: boolean; Shared: boolean }> | null;
}

export const df = defineCommand({
  use: '[OPTIONS]',
  summary: 'Show disk usage',
  args: { min: 0, max: 0 },
  flags: {
    format: text(
      "Format output using a custom template:\n'table':            Print output in table format with column headers (default)\n'table TEMPLATE':   Print output in table format using the given Go template\n'json':             Print in JSON format\n'TEMPLATE':         Print output using the given Go template.",
    ),
  },
  async run(context, { flags }) {
    const usage = await context.client.json<DiskUsage>('GET', '/system/df');
    const rows = [imagesRow(usage), containersRow(usage), volumesRow(usage), cacheRow(usage)];
    const view = {
      type: '*formatter.diskUsageContext',
      table: '{{.Type}}\t{{.TotalCount}}\t{{.Active}}\t{{.Size}}\t{{.Reclaimable}}',
      headers: {
        Type: 'TYPE',
        TotalCount: 'TOTAL',
        Active: 'ACTIVE',
        Size: 'SIZE',
        Reclaimable: 'RECLAIMABLE',
      },
    };
    context.out(renderList(view, rows, flags.format));
    return 0;
  },
});

function row(type: string, total: number, active: number, size: number, reclaimable: number, share: boolean) {
  const percent = share && size > 0 ? ` (${Math.trunc((reclaimable * 100) / size)}%)` : '';
  return {
    Type: type,
    TotalCount: String(total),
    Active: String(active),
    Size: humanSize(size),
    Reclaimable: humanSize(reclaimable) + percent,
  };
}

function imagesRow({ Images, LayersSize = 0 }: DiskUsage) {
  const images = Images ?? [];
  const active = images.filter((image) => (image.Containers ?? 0) > 0);
  const used = active
    .filter((image) => image.Size >= 0 && (image.SharedSize ?? 0) >= 0)
    .reduce((sum, image) => sum + image.Size - (image.SharedSize ?? 0), 0);
  return row('Images', images.length, active.length, LayersSize, LayersSize - used, true);
}

function containersRow({ Containers }: DiskUsage) {
  const containers = Containers ?? [];
  const isActive = ({ State }: ContainerSummary) => /running|paused|restarting/i.test(State);
  const bytes = (list: ContainerSummary[]) => list.reduce((sum, { SizeRw = 0 }) => sum + SizeRw, 0);
  const idle = containers.filter((container) => !isActive(container));
  const total = bytes(containers);
  return row('Containers', containers.length, containers.length - idle.length, total, bytes(idle), true);
}

function volumesRow({ Volumes }: DiskUsage) {
  const data = (Volumes ?? []).map(({ UsageData }) => UsageData ?? { Size: 0, RefCount: 0 });
  const bytes = (list: typeof data) => list.reduce((sum, { Size }) => sum + Math.max(0, Size), 0);
  const unused = data.filter(({ RefCount }) => RefCount <= 0);
  return row('Local Volumes', data.length, data.length - unused.length, bytes(data), bytes(unused), true);
}

function cacheRow({ BuildCache }: DiskUsage) {
  const records = BuildCache ?? [];
  const own = records.filter(({ Shared }) => !Shared);
  const bytes = (list: typeof records) => list.reduce((sum, { Size }) => sum + Size, 0);
  const inUse = records.filter(({ InUse }) => InUse);
  return row(
    'Build Cache',
    records.length,
    inUse.length,
    bytes(own),
    bytes(own.filter(({ InUse }) => !InUse)),
    false,
  );
}
