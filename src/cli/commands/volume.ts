import { defineCommand } from '../command.ts';
import { keyValueMap, labelValue } from '../flags/env.ts';
import { filterFlag, filterQuery } from '../flags/filters.ts';
import { bool, list, map, text } from '../flags/flag.ts';
import { renderList } from '../format/list.ts';
import { humanSize } from '../format/size.ts';
import { forEachName } from './each.ts';

interface Volume {
  Name: string;
  Driver: string;
  Mountpoint: string;
  Scope: string;
  Labels?: Record<string, string> | null;
  UsageData?: { Size: number; RefCount: number } | null;
}

export const listVolumes = defineCommand({
  use: '[OPTIONS]',
  summary: 'List volumes',
  aliases: ['bridgeport volume ls', 'bridgeport volume list'],
  args: { min: 0, max: 0 },
  flags: {
    quiet: bool('Only display volume names', { short: 'q' }),
    format: text(
      "Format output using a custom template:\n'table':            Print output in table format with column headers (default)\n'table TEMPLATE':   Print output in table format using the given Go template\n'json':             Print in JSON format\n'TEMPLATE':         Print output using the given Go template.",
    ),
    filter: filterFlag('Provide filter values (e.g. "dangling=true")'),
  },
  async run(context, { flags }) {
    const { Volumes } = await context.client.json<{ Volumes: Volume[] | null }>('GET', '/volumes', {
      query: { filters: filterQuery(flags.filter) },
    });
    const names = new Intl.Collator('en', { numeric: true });
    const rows = (Volumes ?? [])
      .sort((a, b) => names.compare(a.Name, b.Name))
      .map((volume) => ({
        Name: volume.Name,
        Driver: volume.Driver,
        Scope: volume.Scope,
        Mountpoint: volume.Mountpoint,
        Availability: 'N/A',
        Group: 'N/A',
        Status: 'N/A',
        Labels: Object.entries(volume.Labels ?? {})
          .map(([key, value]) => `${key}=${value}`)
          .sort()
          .join(','),
        Label: (name: unknown) => volume.Labels?.[String(name)] ?? '',
        Links: volume.UsageData ? String(volume.UsageData.RefCount) : 'N/A',
        Size: volume.UsageData ? humanSize(volume.UsageData.Size) : 'N/A',
      }));
    const view = {
      type: '*formatter.volumeContext',
      table: '{{.Driver}}\t{{.Name}}',
      raw: 'name: {{.Name}}\ndriver: {{.Driver}}\n',
      headers: {
        Name: 'VOLUME NAME',
        Driver: 'DRIVER',
        Scope: 'SCOPE',
        Availability: 'AVAILABILITY',
        Mountpoint: 'MOUNTPOINT',
        Labels: 'LABELS',
        Links: 'LINKS',
        Size: 'SIZE',
        Group: 'GROUP',
        Status: 'STATUS',
      },
    };
    context.out(renderList(view, rows, flags.quiet ? '{{.Name}}' : flags.format));
    return 0;
  },
});

export const createVolume = defineCommand({
  use: '[OPTIONS] [VOLUME]',
  summary: 'Create a volume',
  args: { min: 0, max: 1 },
  flags: {
    driver: text('Specify volume driver name', { short: 'd', default: 'local' }),
    name: text('Specify volume name', { hidden: true }),
    opt: map('Set driver specific options', { short: 'o' }),
    label: list('Set metadata for a volume', { validate: labelValue }),
  },
  async run(context, { flags, args: [name] }) {
    if (name !== undefined && flags.name !== '') {
      throw new Error(
        'conflicting options: cannot specify a volume-name through both --name and as a positional arg',
      );
    }
    const volume = await context.client.json<Volume>('POST', '/volumes/create', {
      body: {
        Name: name ?? flags.name,
        Driver: flags.driver,
        DriverOpts: flags.opt,
        Labels: keyValueMap(flags.label),
      },
    });
    context.out(`${volume.Name}\n`);
    return 0;
  },
});

export const removeVolume = defineCommand({
  use: '[OPTIONS] VOLUME [VOLUME...]',
  summary: 'Remove one or more volumes',
  aliases: ['bridgeport volume rm', 'bridgeport volume remove'],
  args: { min: 1 },
  flags: { force: bool('Force the removal of one or more volumes', { short: 'f' }) },
  run: (context, { flags, args }) =>
    forEachName(context, args, (name) =>
      context.client.text('DELETE', `/volumes/${encodeURIComponent(name)}`, {
        query: { force: flags.force },
      }),
    ),
});
