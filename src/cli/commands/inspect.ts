import { isKind } from '../../base/errors.ts';
import { defineCommand } from '../command.ts';
import type { CliContext } from '../context.ts';
import { bool, text } from '../flags/flag.ts';
import { printInspected } from '../format/inspect.ts';
import { containerPath } from './each.ts';
import { imagePath } from './tag.ts';

/** Help text of every `--format` of an `inspect`. */
const FORMAT =
  "Format output using a custom template:\n'json':             Print in JSON format\n'TEMPLATE':         Print output using the given Go template.\nRefer to https://docs.docker.com/go/formatting/ for more information about formatting output with templates";

type Fetch = (context: CliContext, name: string, size: boolean) => Promise<string>;

/** How each kind of object is asked for, in the order in which a bare name is looked up. */
const KINDS: Record<string, Fetch> = {
  container: ({ client }, name, size) => client.text('GET', containerPath(name, 'json'), { query: { size } }),
  image: ({ client }, name) => client.text('GET', `/images/${imagePath(name)}/json`),
  network: ({ client }, name) => client.text('GET', `/networks/${encodeURIComponent(name)}`),
  volume: ({ client }, name) => client.text('GET', `/volumes/${encodeURIComponent(name)}`),
};

export const inspect = defineCommand({
  use: '[OPTIONS] NAME|ID [NAME|ID...]',
  summary: 'Return low-level information on Bridgeport objects',
  args: { min: 1 },
  flags: {
    format: text(FORMAT, { short: 'f' }),
    size: bool('Display total file sizes if the type is container', { short: 's' }),
    type: text('Only inspect objects of the given type'),
  },
  async run(context, { flags, given, args }) {
    if (given.has('type') && flags.type === '')
      throw new Error('type is empty: must be one of "container", "image", "network", "volume"');
    if (flags.type !== '' && !Object.hasOwn(KINDS, flags.type)) {
      throw new Error(
        `unknown type: ${JSON.stringify(flags.type)}: must be one of "container", "image", "network", "volume"`,
      );
    }
    await printInspected(context, args, flags.format, (name) =>
      flags.type === '' ? findAny(context, name, flags.size) : KINDS[flags.type]!(context, name, flags.size),
    );
    return 0;
  },
});

async function findAny(context: CliContext, name: string, size: boolean): Promise<string> {
  for (const fetch of Object.values(KINDS)) {
    try {
      return await fetch(context, name, size);
    } catch (error) {
      // Not this kind, or not a name of this kind, or a kind that the daemon does not have.
      if (!isKind(error, 'not-found', 'invalid', 'not-implemented')) throw error;
    }
  }
  throw new Error(`Error: No such object: ${name}`);
}

/** `container inspect`, `image inspect`, … */
function inspectOf(kind: 'container' | 'image' | 'network' | 'volume', noun: string, summary: string) {
  return defineCommand({
    use: `[OPTIONS] ${noun} [${noun}...]`,
    summary,
    args: { min: 1 },
    flags: {
      format: text(FORMAT, { short: 'f' }),
      // Only containers have a size to show.
      size: bool('Display total file sizes', { short: 's', hidden: kind !== 'container' }),
    },
    async run(context, { flags, args }) {
      await printInspected(context, args, flags.format, (name) => KINDS[kind]!(context, name, flags.size));
      return 0;
    },
  });
}

export const inspectContainer = inspectOf(
  'container',
  'CONTAINER',
  'Display detailed information on one or more containers',
);
export const inspectImage = inspectOf('image', 'IMAGE', 'Display detailed information on one or more images');
export const inspectNetwork = inspectOf(
  'network',
  'NETWORK',
  'Display detailed information on one or more networks',
);
export const inspectVolume = inspectOf(
  'volume',
  'VOLUME',
  'Display detailed information on one or more volumes',
);
