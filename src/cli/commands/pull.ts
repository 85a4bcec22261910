import { defineCommand } from '../command.ts';
import { bool, text } from '../flags/flag.ts';
import { checkReference, normalizedReference, qualifiedName, splitReference } from '../format/reference.ts';
import { pullImage } from '../stream/pull.ts';

export const pull = defineCommand({
  use: '[OPTIONS] NAME[:TAG|@DIGEST]',
  summary: 'Download an image from a registry',
  aliases: ['bridgeport image pull', 'bridgeport pull'],
  args: { min: 1, max: 1 },
  flags: {
    'all-tags': bool('Download all tagged images in the repository', { short: 'a' }),
    'disable-content-trust': bool('Skip image verification', { on: true, hidden: true }),
    platform: text('Set platform if server is multi-platform capable'),
    quiet: bool('Suppress verbose output', { short: 'q' }),
  },
  async run(context, { flags, args: [typed = ''] }) {
    checkReference(typed);
    const { tag, digest } = splitReference(typed);
    const named = tag !== '' || digest !== '';
    if (flags['all-tags'] && named) throw new Error("tag can't be used with --all-tags/-a");
    if (!named && !flags['all-tags'] && !flags.quiet) context.out('Using default tag: latest\n');
    await pullImage(context, typed, {
      platform: flags.platform,
      quiet: flags.quiet,
      allTags: flags['all-tags'],
      output: 'stdout',
    });
    const { name } = splitReference(typed);
    const suffix = flags['all-tags'] ? '' : normalizedReference(typed).slice(name.length);
    context.out(`${qualifiedName(name)}${suffix}\n`);
    return 0;
  },
});
