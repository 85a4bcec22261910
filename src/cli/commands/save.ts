import { defineCommand } from '../command.ts';
import { list, text } from '../flags/flag.ts';
import { saveTo } from '../stream/save.ts';

export const save = defineCommand({
  use: '[OPTIONS] IMAGE [IMAGE...]',
  summary: 'Save one or more images to a tar archive (streamed to STDOUT by default)',
  aliases: ['bridgeport image save', 'bridgeport save'],
  args: { min: 1 },
  flags: {
    output: text('Write to a file, instead of STDOUT', { short: 'o' }),
    platform: list(
      'Save only the given platform(s). Formatted as "os[/arch[/variant]]" (e.g., "linux/amd64")',
      {
        type: 'stringSlice',
      },
    ),
  },
  async run(context, { flags, args }) {
    await saveTo(context, flags.output, () =>
      context.client.request('GET', '/images/get', {
        query: { names: args, platform: platforms(flags.platform) },
      }),
    );
    return 0;
  },
});

/** `linux/arm64/v8` as the JSON the API wants. */
export function platforms(values: readonly string[]): string[] {
  return values.flatMap((value) =>
    value.split(',').map((platform) => {
      const [os, architecture, variant] = platform.toLowerCase().split('/');
      return JSON.stringify({ os, architecture, variant });
    }),
  );
}
