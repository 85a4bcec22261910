import { defineCommand } from '../command.ts';
import type { CliContext } from '../context.ts';
import { filterFlag, filterQuery } from '../flags/filters.ts';
import { bool } from '../flags/flag.ts';
import { humanSize } from '../format/size.ts';
import { confirm } from '../terminal/confirm.ts';

/** The answers of every `/…/prune`. */
interface Pruned {
  ContainersDeleted?: string[] | null;
  NetworksDeleted?: string[] | null;
  VolumesDeleted?: string[] | null;
  ImagesDeleted?: Array<{ Untagged?: string; Deleted?: string }> | null;
  SpaceReclaimed?: number;
}

const force = bool('Do not prompt for confirmation', { short: 'f' });
const filter = () => ({
  ...filterFlag('Provide filter values (e.g. "label=<key>=<value>")'),
  short: undefined,
});

/** Prunes one kind of thing; prints what went, and returns the bytes that were freed. */
async function prune(
  context: CliContext,
  kind: 'containers' | 'networks' | 'volumes' | 'images',
  filters: readonly string[],
): Promise<number> {
  const query = { filters: filterQuery(filters) };
  const answer = await context.client.json<Pruned>('POST', `/${kind}/prune`, { query });
  const lists: Array<[string, string[]]> = [
    ['Deleted Containers:', answer.ContainersDeleted ?? []],
    ['Deleted Networks:', answer.NetworksDeleted ?? []],
    ['Deleted Volumes:', answer.VolumesDeleted ?? []],
    [
      'Deleted Images:',
      (answer.ImagesDeleted ?? []).map(({ Untagged, Deleted }) =>
        Untagged ? `untagged: ${Untagged}` : `deleted: ${Deleted}`,
      ),
    ],
  ];
  for (const [title, names] of lists) {
    if (names.length > 0) context.out(`${title}\n${names.join('\n')}\n\n`);
  }
  return answer.SpaceReclaimed ?? 0;
}

const reclaimed = (bytes: number) => `Total reclaimed space: ${humanSize(bytes)}\n`;

export const pruneContainers = defineCommand({
  use: '[OPTIONS]',
  summary: 'Remove all stopped containers',
  args: { min: 0, max: 0 },
  flags: { force, filter: filter() },
  async run(context, { flags }) {
    const sure = flags.force || (await confirm(context, 'This will remove all stopped containers.'));
    if (sure) context.out(reclaimed(await prune(context, 'containers', flags.filter)));
    return 0;
  },
});

export const pruneNetworks = defineCommand({
  use: '[OPTIONS]',
  summary: 'Remove all unused networks',
  args: { min: 0, max: 0 },
  flags: { force, filter: filter() },
  async run(context, { flags }) {
    const warning = 'This will remove all custom networks not used by at least one container.';
    if (flags.force || (await confirm(context, warning))) await prune(context, 'networks', flags.filter);
    return 0;
  },
});

export const pruneVolumes = defineCommand({
  use: '[OPTIONS]',
  summary: 'Remove unused local volumes',
  args: { min: 0, max: 0 },
  flags: {
    all: bool('Remove all unused volumes, not just anonymous ones', { short: 'a' }),
    force,
    filter: filter(),
  },
  async run(context, { flags }) {
    const which = flags.all ? 'all local' : 'anonymous local';
    const warning = `This will remove ${which} volumes not used by at least one container.`;
    if (!flags.force && !(await confirm(context, warning))) return 0;
    const filters = flags.all ? [...flags.filter, 'all=true'] : flags.filter;
    context.out(reclaimed(await prune(context, 'volumes', filters)));
    return 0;
  },
});

export const pruneImages = defineCommand({
  use: '[OPTIONS]',
  summary: 'Remove unused images',
  args: { min: 0, max: 0 },
  flags: {
    all: bool('Remove all unused images, not just dangling ones', { short: 'a' }),
    force,
    filter: filter(),
  },
  async run(context, { flags }) {
    const warning = flags.all
      ? 'This will remove all images without at least one container associated to them.'
      : 'This will remove all dangling images.';
    if (!flags.force && !(await confirm(context, warning))) return 0;
    const filters = [...flags.filter, `dangling=${!flags.all}`];
    context.out(reclaimed(await prune(context, 'images', filters)));
    return 0;
  },
});

export const pruneSystem = defineCommand({
  use: '[OPTIONS]',
  summary: 'Remove unused data',
  args: { min: 0, max: 0 },
  flags: {
    all: bool('Remove all unused images not just dangling ones', { short: 'a' }),
    force,
    volumes: bool('Prune anonymous volumes'),
    filter: filter(),
  },
  async run(context, { flags }) {
    const goes = [
      'all stopped containers',
      'all networks not used by at least one container',
      ...(flags.volumes ? ['all anonymous volumes not used by at least one container'] : []),
      flags.all ? 'all images without at least one container associated to them' : 'all dangling images',
    ];
    const warning = `This will remove:\n${goes.map((line) => `  - ${line}\n`).join('')}`;
    if (!flags.force && !(await confirm(context, warning))) return 0;
    let bytes = await prune(context, 'containers', flags.filter);
    await prune(context, 'networks', flags.filter);
    if (flags.volumes) bytes += await prune(context, 'volumes', flags.filter);
    bytes += await prune(context, 'images', [...flags.filter, `dangling=${!flags.all}`]);
    context.out(reclaimed(bytes));
    return 0;
  },
});
